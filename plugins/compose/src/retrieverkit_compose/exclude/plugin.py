"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.exclude.options import ExcludeOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.exclude.retriever import ExcludeRetriever


class ExcludePlugin:
    """Makes retrievers that never find something."""

    spec = ModeSpec(
        name="exclude",
        summary="leaves out what a filter names, whatever the query says",
        options=ExcludeOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: ExcludeOptions, context: BuildContext) -> ExcludeRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import limit_of
        from retrieverkit_compose.exclude.retriever import ExcludeRetriever

        return ExcludeRetriever(
            context.resolve(options.retriever),
            options.what,
            top_k=limit_of(options, options.retriever),
        )


exclude = ExcludePlugin()
