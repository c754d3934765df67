"""How much one query may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one Cypher query may ask for.

    Attributes:
        characters: The length of its text.
        clauses: How many clauses it has, those of subqueries counted.
        nodes: How many nodes its patterns have.
        hops: The most steps of a path of variable length.
        listed: The most elements of a written list, or of a ``range``.
        depth: How deeply brackets are nested.
        rows: The most rows that are read of its result.
        grounds: The most rows that are read of what was counted, or made one, for its result.
    """

    characters: int = 8_000
    clauses: int = 16
    nodes: int = 16
    hops: int = 4
    listed: int = 1_000
    depth: int = 24
    rows: int = 100
    grounds: int = 1_000
