"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.recursive.options import RecursiveOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.recursive.retriever import RecursiveRetriever


class RecursivePlugin:
    """Makes retrievers that follow index nodes within the corpus."""

    spec = ModeSpec(
        name="recursive",
        summary="the nodes that the index nodes among the hits lead to",
        options=RecursiveOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),  # in listings; built, it has those of the retriever that it asks
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: RecursiveOptions, context: BuildContext) -> RecursiveRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import limit_of
        from retrieverkit_compose.recursive.retriever import RecursiveRetriever

        return RecursiveRetriever(
            context.resolve(options.retriever),
            context.need_corpus(),
            top_k=limit_of(options, options.retriever),
            field=options.field,
            object_map=context.object_map,
        )


recursive = RecursivePlugin()
