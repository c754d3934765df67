"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.rerank.options import RerankOptions
from retrieverkit_compose.vectors import vector_mode
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.rerank.retriever import RerankRetriever
    from retrieverkit_core.retriever import BaseRetriever, NodeVectors
    from retrieverkit_core.services import Reranker


class RerankPlugin:
    """Makes reranking retrievers."""

    spec = ModeSpec(
        name="rerank",
        summary="another order for what a retriever found: by diversity, an embedding, a language model or a reranker",
        options=RerankOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: RerankOptions, context: BuildContext) -> RerankRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import written_limit
        from retrieverkit_compose.rerank.retriever import RerankRetriever

        retriever = context.resolve(options.retriever)
        by: str | Reranker = options.by
        if options.by not in ("mmr", "embedding", "llm"):
            by = context.need_services().reranker(options.by)
        return RerankRetriever(
            retriever,
            by=by,
            top_n=options.top_n,
            candidates=options.candidates if written_limit(options.retriever) is None else None,
            vectors=_vectors(retriever, options, context) if options.by in ("mmr", "embedding") else None,
            mmr_lambda=options.mmr_lambda,
            llm=context.need_services().llm(options.llm) if options.by == "llm" else None,
            batch_size=options.batch_size,
            top_k=options.top_k,
            object_map=context.object_map,
        )


def _vectors(retriever: BaseRetriever, options: RerankOptions, context: BuildContext) -> NodeVectors:
    """Return who compares vectors: a part of the retriever within where it does, else the vector mode.

    Raises:
        MissingServiceError: What is installed as the vector mode does not.
    """
    from retrieverkit_compose.rerank.by_vectors import vectors_within

    within = vectors_within(retriever, options.embedding)
    if within is not None:
        return within
    return vector_mode(context, options.embedding)


rerank = RerankPlugin()
