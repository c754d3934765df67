"""What the entry point names: the mode's declaration, and how its retriever is made."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core import (
    BuildContext,
    FilterCapabilities,
    FilterOperator,
    ModeOptions,
    ModeSpec,
    Need,
    ScoreKind,
    ScoreSpec,
    hookimpl,
)
from retrieverkit_example_plugin.retriever import FuzzyTitleRetriever, Match


class FuzzyTitleOptions(ModeOptions):
    """Options of the mode; `top_k` is inherited."""

    match: Match = Field(
        default="best",
        description="What is compared with the query: the whole title, a part of it, its words in any order, or the "
        "best of these, weighted.",
    )
    cutoff: float = Field(default=0.6, ge=0, le=1, description="Leave out titles with a lower similarity.")


class FuzzyTitlePlugin:
    """The mode `fuzzy_title`."""

    spec = ModeSpec(
        name="fuzzy_title",
        summary="documents whose title is like the query, misspelt or not",
        options=FuzzyTitleOptions,
        scores=ScoreSpec(ScoreKind.SIMILARITY, lower_bound=0.0, upper_bound=1.0),
        filters=FilterCapabilities(frozenset(operator.value for operator in FilterOperator)),
        needs=frozenset({Need.CORPUS}),
    )

    @hookimpl
    def make_retriever(self, mode: str, options: FuzzyTitleOptions, context: BuildContext) -> FuzzyTitleRetriever:
        """Return a retriever on the corpus of the context."""
        corpus = context.need_corpus()
        return FuzzyTitleRetriever(corpus, top_k=options.top_k, match=options.match, cutoff=options.cutoff)


plugin = FuzzyTitlePlugin()
