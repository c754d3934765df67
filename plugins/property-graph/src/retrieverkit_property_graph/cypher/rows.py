"""What of a graph goes into a database, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class EntityRow(NamedTuple):
    """An entity; ``properties`` are texts such as ``born=1867``."""

    id: int
    name: str
    key: str
    labels: tuple[str, ...]
    properties: tuple[str, ...]


class RelationRow(NamedTuple):
    """A relation between two entities, by their ids."""

    subject: int
    object: int
    id: int
    label: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GraphRows:
    """A graph, row by row.

    Attributes:
        entities: The entities.
        nodes: The numbers of the nodes.
        relations: The relations.
        mentions: Which node mentions which entity: their numbers.
    """

    entities: Iterable[EntityRow]
    nodes: Iterable[int]
    relations: Iterable[RelationRow]
    mentions: Iterable[tuple[int, int]]
