"""The options of the graph_ppr mode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_property_graph.options import GraphOptions

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0, upper_bound=1.0)


class PprOptions(GraphOptions):
    """Options of the graph_ppr mode."""

    facts: int = Field(
        default=3,
        ge=0,
        description="Start the walk at this many relations: those nearest to the query, and ties.",
    )
    passages: RetrieverSpec | None = Field(
        default=None,
        description="A retriever whose first hits the walk also starts at. None: bm25 if it is installed.",
    )
    passage_weight: float = Field(
        default=0.1,
        ge=0,
        le=1_000,
        description="Weight of that retriever's first hit relative to the first relation. 0: no other retriever is "
        "asked.",
    )
    synonyms: bool = Field(
        default=True, description="Whether entities are linked if their names share at least half of their words."
    )

    @model_validator(mode="after")
    def _starts_somewhere(self) -> Self:
        if not self.facts and not self.passage_weight:
            raise ValueError("with facts=0 and passage_weight=0 the walk starts nowhere")
        return self
