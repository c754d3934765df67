"""Entities and relations as a text supports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]
"""Inert JSON: strings, finite numbers, booleans, None, lists and objects."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity as one text names it.

    Attributes:
        name: Its name, as it is written. Names with the same key (`names.key_of`) are the same entity.
        labels: What it is, such as ``Person``.
        properties: What is known of it.
    """

    name: str
    labels: tuple[str, ...] = ()
    properties: Properties = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Triple:
    """A relation as one text states it.

    Two are the same relation when the keys of their subjects, labels and objects are equal.

    Attributes:
        subject: Where it starts.
        relation: Its label, such as ``published by``.
        object: Where it ends.
        properties: What is known of it.
    """

    subject: Entity
    relation: str
    object: Entity
    properties: Properties = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one node supports.

    Attributes:
        entities: Entities that it names. The ends of its triples need not be among them.
        triples: Relations that it states.
        problem: What could not be read of it, for whoever asks.
    """

    entities: tuple[Entity, ...] = ()
    triples: tuple[Triple, ...] = ()
    problem: str | None = None

    def __bool__(self) -> bool:
        """Return whether the node supports anything."""
        return bool(self.entities or self.triples)


NOTHING = Extracted()


def merged(parts: list[Extracted]) -> Extracted:
    """Return what all parts together say of one node."""
    kept = [part for part in parts if part or part.problem]
    if len(kept) < 2:
        return kept[0] if kept else NOTHING
    return Extracted(
        tuple(entity for part in kept for entity in part.entities),
        tuple(triple for part in kept for triple in part.triples),
        "; ".join(part.problem for part in kept if part.problem) or None,
    )
