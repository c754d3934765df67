"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.diversify.options import DiversifyOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.diversify.retriever import DiversifyRetriever


class DiversifyPlugin:
    """Makes retrievers with few hits of one kind."""

    spec = ModeSpec(
        name="diversify",
        summary="at most a few hits per document, or per value of a field",
        options=DiversifyOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: DiversifyOptions, context: BuildContext) -> DiversifyRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.diversify.retriever import DiversifyRetriever

        return DiversifyRetriever(
            context.resolve(options.retriever),
            field=options.field,
            most=options.most,
            candidates=options.candidates,
            top_k=options.top_k,
            object_map=context.object_map,
        )


diversify = DiversifyPlugin()
