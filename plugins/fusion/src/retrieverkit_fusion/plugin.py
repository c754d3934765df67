"""What the entry points name: the two modes' declarations and how their retrievers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_fusion.methods import RELEVANCE, RELEVANCE_TO_ONE
from retrieverkit_fusion.options import FusionOptions, HybridOptions

if TYPE_CHECKING:
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_fusion.hybrid import HybridRetriever
    from retrieverkit_fusion.retriever import FusionRetriever

DELEGATES = FilterCapabilities(delegates=True)


class FusionPlugin:
    """Makes fusion retrievers."""

    spec = ModeSpec(
        name="fusion",
        summary="several retrievers side by side, one ranking",
        options=FusionOptions,
        scores=RELEVANCE,
        filters=DELEGATES,
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: FusionOptions, context: BuildContext) -> FusionRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_fusion.doubts import repeated
        from retrieverkit_fusion.retriever import FusionRetriever

        fusion = FusionRetriever(
            [context.resolve(spec) for spec in options.retrievers],
            method=options.method,
            weights=options.weights,
            normalizers=options.normalizers,
            min_score=options.min_score,
            rrf_k=options.rrf_k,
            top_k=options.top_k,
            candidates=options.leg_candidates,
            timeouts=options.timeouts,
            required=options.required,
            concurrency=options.concurrency,
            num_queries=options.num_queries,
            llm=context.need_services().llm() if options.num_queries > 1 else None,
            query_gen_prompt=options.query_gen_prompt,
            object_map=context.object_map,
        )
        fusion.notes = (*fusion.notes, *repeated(options.retrievers))
        return fusion


class HybridPlugin:
    """Makes hybrid retrievers."""

    spec = ModeSpec(
        name="hybrid",
        summary="words and meaning: bm25 and vector, fused by relative score",
        options=HybridOptions,
        scores=RELEVANCE_TO_ONE,
        filters=DELEGATES,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: HybridOptions, context: BuildContext) -> HybridRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_fusion.hybrid import HybridRetriever

        return HybridRetriever(
            context.resolve(_bm25_leg(options)),
            _vector_leg(options, context),
            weight=options.weight,
            feedback=options.feedback,
            top_k=options.top_k,
            object_map=context.object_map,
        )


def _vector_leg(options: HybridOptions, context: BuildContext) -> BaseRetriever:
    """Return the vector leg; a fitted embedding is fitted in the language that is set."""
    from retrieverkit_fusion.hybrid import with_language

    vector = context.resolve(_leg("vector", embedding=options.embedding))
    chosen = getattr(vector, "embedding_spec", None)
    embedding = with_language(chosen, options.language)
    if embedding == chosen and options.adapter is None:
        return vector
    named = options.embedding if embedding == chosen else embedding
    return context.resolve(_leg("vector", embedding=named, adapter=options.adapter))


def _bm25_leg(options: HybridOptions) -> RetrieverSpec:
    return _leg(
        "bm25",
        language=options.language,
        title_weight=options.title_weight,
        pair_weight=options.pair_weight,
        typos=options.typos or None,
    )


def _leg(mode: str, **options: str | float | None) -> RetrieverSpec:
    return RetrieverSpec(mode=mode, **{name: value for name, value in options.items() if value is not None})


fusion = FusionPlugin()
hybrid = HybridPlugin()
