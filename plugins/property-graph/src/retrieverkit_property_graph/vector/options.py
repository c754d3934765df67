"""The options of the graph_vector mode."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_property_graph.options import GraphOptions

COSINES = ScoreSpec(ScoreKind.SIMILARITY, lower_bound=-1.0, upper_bound=1.0)


class GraphVectorOptions(GraphOptions):
    """Options of the graph_vector mode."""

    embedding: str | None = Field(
        default=None,
        description='The embedding, with options: "minilm", "openai(model=\'m\')". None: the index\'s own.',
    )
    max_entities: int = Field(default=10, ge=1, description="Start walks from this many entities, the nearest ones.")
    depth: int = Field(default=1, ge=1, le=8, description="The most relations in one path.")
    limit: int = Field(default=30, ge=1, description="Follow at most this many relations.")
    min_similarity: float | None = Field(
        default=None, ge=-1.0, le=1.0, description="Leave out nodes with a lower similarity. None: no limit."
    )
