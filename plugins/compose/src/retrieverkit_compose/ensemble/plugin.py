"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_compose.ensemble.options import EnsembleOptions
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_compose.ensemble.retriever import EnsembleRetriever


class EnsemblePlugin:
    """Makes retrievers over several cuttings of the documents."""

    spec = ModeSpec(
        name="ensemble",
        summary="the same documents in several sizes, each searched by itself, one ranking",
        options=EnsembleOptions,
        scores=ScoreSpec(ScoreKind.RELEVANCE),
        filters=FilterCapabilities(delegates=True),
        needs=frozenset({Need.CORPUS, Need.SUB_RETRIEVERS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: EnsembleOptions, context: BuildContext) -> EnsembleRetriever:
        """Build the retriever for the mode."""
        from retrieverkit_compose.around import written_limit
        from retrieverkit_compose.ensemble.retriever import EnsembleRetriever

        return EnsembleRetriever(
            context.resolve(options.retriever),
            context.need_corpus(),
            levels=options.levels if "levels" in options.model_fields_set else None,
            candidates=options.candidates if written_limit(options.retriever) is None else None,
            top_k=options.top_k,
            object_map=context.object_map,
        )


ensemble = EnsemblePlugin()
