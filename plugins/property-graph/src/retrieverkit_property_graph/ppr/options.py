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
        description="The walk starts at so many relations, those nearest to the query, and their equals.",
    )
    passages: RetrieverSpec | None = Field(
        default=None,
        description="The retriever whose first hits the walk starts at too. None: bm25, where it is installed.",
    )
    passage_weight: float = Field(
        default=0.1,
        ge=0,
        le=1_000,
        description="What the first of those hits counts beside the first relation; 0 to ask no other retriever.",
    )
    synonyms: bool = Field(
        default=True, description="Whether entities are joined whose names have at least half of their words in common."
    )

    @model_validator(mode="after")
    def _starts_somewhere(self) -> Self:
        if not self.facts and not self.passage_weight:
            raise ValueError("with facts=0 and passage_weight=0 the walk starts nowhere")
        return self
