"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.transform.options import TransformOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.transform.retriever import TransformRetriever


class TransformPlugin:
    """Makes retrievers whose queries a language model rewrites."""

    spec = ModeSpec(
        name="transform",
        summary="a language model rewrites the query: in other words, in parts, or as passages that could answer it",
        options=TransformOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS, Need.LLM}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: TransformOptions, context: BuildContext) -> TransformRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import written_limit
        from retrieverkit_compose.transform.retriever import TransformRetriever

        return TransformRetriever(
            context.resolve(options.retriever),
            by=options.by,
            llm=context.need_services().llm(options.llm),
            num_queries=options.num_queries,
            include_original=options.include_original,
            candidates=options.candidates if written_limit(options.retriever) is None else None,
            top_k=options.top_k,
            object_map=context.object_map,
        )


transform = TransformPlugin()
