"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.pinned.options import PinnedOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.pinned.retriever import PinnedRetriever


class PinnedPlugin:
    """Makes retrievers with some nodes before all others."""

    spec = ModeSpec(
        name="pinned",
        summary="some nodes before all that a retriever finds",
        options=PinnedOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: PinnedOptions, context: BuildContext) -> PinnedRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import limit_of
        from retrieverkit_compose.pinned.retriever import PinnedRetriever

        return PinnedRetriever(
            context.resolve(options.retriever),
            context.need_corpus(),
            options.ids,
            when=options.when,
            top_k=limit_of(options, options.retriever),
            object_map=context.object_map,
        )


pinned = PinnedPlugin()
