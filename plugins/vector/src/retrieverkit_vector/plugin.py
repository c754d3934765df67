"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeOptions, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_vector.retriever import VectorRetriever

MetricName = Literal["cosine", "dot", "l2"]

SCORES: dict[MetricName, ScoreSpec] = {
    "cosine": ScoreSpec(ScoreKind.SIMILARITY, lower_bound=-1.0, upper_bound=1.0),
    "dot": ScoreSpec(ScoreKind.SIMILARITY),
    "l2": ScoreSpec(ScoreKind.DISTANCE, higher_is_better=False, lower_bound=0.0),
}
MMR_SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=-1.0, upper_bound=1.0)
FILTERS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))


class VectorOptions(ModeOptions):
    """Options of the vector mode."""

    embedding: str | None = Field(
        default=None,
        description='The embedding, with options: "minilm", "openai(model=\'m\')". None: the index\'s own.',
    )
    metric: MetricName = Field(
        default="cosine",
        description="How vectors are compared: cosine, dot (for both, higher is nearer) or l2 (lower is nearer).",
    )
    similarity_cutoff: float | None = Field(
        default=None, description="Return only hits with at least this score or, for l2, at most this distance."
    )
    mmr_lambda: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Choose by maximal marginal relevance (MMR): 1 counts only nearness to the query, 0 only "
        "difference from the hits before. None: no MMR.",
    )
    mmr_fetch: int = Field(default=50, ge=1, description="MMR chooses from at least this many of the nearest nodes.")
    adapter: str | None = Field(
        default=None,
        description="The file of an adapter that retriever adapt learned from judged queries; it moves the words of a "
        "query. It is looked for beside the index and in the current folder. None: no adapter.",
    )

    @model_validator(mode="after")
    def _check_mmr(self) -> Self:
        if self.mmr_lambda is not None and self.metric != "cosine":
            raise ValueError("mmr_lambda works with metric='cosine'")
        return self


class VectorPlugin:
    """Makes vector retrievers."""

    spec = ModeSpec(
        name="vector",
        summary="near in meaning: vectors of an embedding, compared by cosine",
        options=VectorOptions,
        scores=SCORES["cosine"],
        filters=FILTERS,
        needs=frozenset({Need.CORPUS, Need.EMBEDDING}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: VectorOptions, context: BuildContext) -> VectorRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_vector.retriever import VectorRetriever

        spec, embedding = context.need_services().embedding(options.embedding)
        storage = context.need_storage()
        adapter = None
        if options.adapter is not None:
            from retrieverkit_vector.adapting.places import found_adapter

            adapter = found_adapter(options.adapter, storage.parent.parent)
        return VectorRetriever(
            context.need_corpus(),
            storage,
            embedding,
            embedding_spec=spec,
            top_k=options.top_k,
            metric=options.metric,
            similarity_cutoff=options.similarity_cutoff,
            mmr_lambda=options.mmr_lambda,
            mmr_fetch=options.mmr_fetch,
            adapter=adapter,
            object_map=context.object_map,
        )


plugin = VectorPlugin()
