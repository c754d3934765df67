"""What the entry point names: the mode's declaration and how its retriever is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import BuildContext, FilterCapabilities, ModeOptions, ModeSpec, Need
from retrieverkit_core.scores import ScoreKind, ScoreSpec

if TYPE_CHECKING:
    from retrieverkit_bm25.retriever import Bm25Retriever

SCORES = ScoreSpec(ScoreKind.BM25, higher_is_better=True, lower_bound=0.0)
FILTERS = FilterCapabilities(
    frozenset({"==", "!=", ">", "<", ">=", "<=", "in", "nin", "any", "all", "contains", "is_empty"})
)


class Bm25Options(ModeOptions):
    """Options of the bm25 mode."""

    language: str = Field(
        default="en", description="ISO 639-1 code of the corpus's language: its stemmer and stop words."
    )


class Bm25Plugin:
    """Makes bm25 retrievers."""

    spec = ModeSpec(
        name="bm25",
        summary="words in common, rare ones first (BM25 on tantivy)",
        options=Bm25Options,
        scores=SCORES,
        filters=FILTERS,
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: Bm25Options, context: BuildContext) -> Bm25Retriever:
        """Build the retriever for the mode."""
        from retrieverkit_bm25.retriever import Bm25Retriever

        return Bm25Retriever(
            context.need_corpus(),
            context.need_storage(),
            top_k=options.top_k,
            language=options.language,
            object_map=context.object_map,
        )


plugin = Bm25Plugin()
