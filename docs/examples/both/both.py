"""The mode `both`: what two retrievers both find, or either of them."""

from typing import Literal

from pydantic import Field

from retrieverkit_core import (
    BaseRetriever,
    FilterCapabilities,
    ModeOptions,
    ModeSpec,
    Need,
    QueryBundle,
    RetrievalResult,
    RetrieverSpec,
    ScoreKind,
    ScoreSpec,
    hookimpl,
)


class BothOptions(ModeOptions):
    """Options of the mode; `top_k` is inherited."""

    retrievers: tuple[RetrieverSpec, RetrieverSpec] = Field(description="The two.")
    rule: Literal["and", "or"] = Field(default="and", description="Whether both must have found a node, or one.")


class Both(BaseRetriever):
    """What two retrievers both find, or either of them, in the order of the first."""

    filter_capabilities = FilterCapabilities(delegates=True)
    scores = ScoreSpec(ScoreKind.NONE)

    def __init__(self, first: BaseRetriever, second: BaseRetriever, rule: str = "and", top_k: int = 5, **base) -> None:
        super().__init__(**base)
        self.both, self.rule, self.default_top_k = (first, second), rule, top_k

    @property
    def sub_retrievers(self) -> tuple[BaseRetriever, ...]:
        """Both."""
        return self.both

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        whole = query_bundle.replace(top_k=1000)
        first, second = (each.retrieve(whole) for each in self.both)
        shared = {hit.node_id for hit in second}
        hits = [*first, *second] if self.rule == "or" else [hit for hit in first if hit.node_id in shared]
        return RetrievalResult(hits, legs=[*first.legs, *second.legs], warnings=first.warnings + second.warnings)


class BothPlugin:
    """What the entry point names."""

    spec = ModeSpec(
        name="both",
        summary="what two retrievers both find, or either of them",
        options=BothOptions,
        scores=Both.scores,
        filters=Both.filter_capabilities,
        needs=frozenset({Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode, options, context):
        """Build the retriever for the mode."""
        first, second = map(context.resolve, options.retrievers)
        return Both(first, second, options.rule, options.top_k)


plugin = BothPlugin()
