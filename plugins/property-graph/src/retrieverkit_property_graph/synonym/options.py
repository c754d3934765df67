"""The options of the graph_synonym mode."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_property_graph.options import GraphOptions

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0, upper_bound=2.0)


class GraphSynonymOptions(GraphOptions):
    """Options of the graph_synonym mode."""

    max_keywords: int = Field(default=10, ge=1, le=1000, description="Take at most this many names from an answer.")
    depth: int = Field(default=1, ge=1, le=8, description="The most relations in one path.")
    limit: int = Field(default=30, ge=1, description="Follow at most this many relations.")
