"""The options of the modes that ask in Cypher."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_property_graph.options import GraphOptions

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0, upper_bound=1.0)

Kind = Literal["str", "int", "float", "bool", "name", "list"]
"""What a parameter is: ``name`` is that of an entity, which the query compares with ``key``; ``list`` is of texts."""

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class CypherOptions(GraphOptions):
    """Options of the modes that ask in Cypher."""

    time_limit: float = Field(
        default=10.0, gt=0, le=3600, description="The time limit of one Cypher query, in seconds."
    )
    max_rows: int = Field(default=100, ge=1, le=10_000, description="Read at most this many rows of the result.")
    max_hops: int = Field(default=4, ge=1, le=10, description="The most relations in a path of variable length.")


class CypherTemplateOptions(CypherOptions):
    """Options of the graph_cypher_template mode."""

    query: str = Field(description="The Cypher query, with parameters such as $name.")
    parameters: dict[ParameterName, Kind] = Field(
        min_length=1,
        description="The type of each parameter: str, int, float, bool, list (of str), or name (the name of an "
        "entity; compare it with key).",
    )
