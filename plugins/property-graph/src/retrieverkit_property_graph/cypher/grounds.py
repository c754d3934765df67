"""From rows to the nodes of the corpus that support them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retrieverkit_property_graph.cypher.contents import Contents

if TYPE_CHECKING:
    from retrieverkit_property_graph.graph.view import GraphView

_SHOWN_ROWS = 3
"""At most this many rows are told of a hit."""


@dataclass(slots=True)
class Grounds:
    """What one row is made of, by the ids of the view.

    Attributes:
        relations: Relations.
        entities: Entities.
        nodes: Ordinals of nodes that the row itself holds.
    """

    relations: list[int] = field(default_factory=list)
    entities: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Supported:
    """A node that supports rows.

    Attributes:
        ordinal: Its ordinal.
        rows: The places of these rows, ascending.
        relations: The relations of the first row that it supports.
    """

    ordinal: int
    rows: tuple[int, ...]
    relations: tuple[int, ...]


def grounds_of(row: Iterable[Any], contents: Contents) -> Grounds:
    """Return what a row is made of. What only looks like an entity is one of the view or nothing."""
    grounds = Grounds()
    for value in row:
        for label, number in _elements(value):
            if label == "Relation" and 0 <= number < len(contents.relations):
                grounds.relations.append(contents.relations[number])
            elif label == "Entity" and 0 <= number < len(contents.entities):
                grounds.entities.append(contents.entities[number])
            elif label == "Node" and 0 <= number < len(contents.nodes):
                grounds.nodes.append(contents.nodes[number])
    return grounds


def _elements(value: Any) -> Iterator[tuple[str, int]]:
    """Yield the label and the number of each entity, relation and node in a value."""
    if isinstance(value, dict):
        label, number = value.get("_LABEL"), value.get("id")
        if isinstance(label, str) and isinstance(number, int):
            yield label, number
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _elements(each)


def belonging(
    rows: Iterable[Sequence[Any]], every: Iterable[Sequence[Any]], keys: Sequence[int]
) -> Iterator[Sequence[Any]]:
    """Yield what was counted for rows of a result.

    Args:
        rows: The result.
        every: What was counted, for each row that there could be; the values of ``keys`` come last.
        keys: The columns of ``rows`` that say what was counted for which.
    """
    wanted = {_key([row[at] for at in keys]) for row in rows}
    for row in every:
        parted = len(row) - len(keys)
        if _key(row[parted:]) in wanted:
            yield row[:parted]


def _key(values: Sequence[Any]) -> str:
    return json.dumps(list(values), sort_keys=True)


def together(rows: Iterable[Grounds]) -> Grounds:
    """Return what several rows are made of as one."""
    every = Grounds()
    for row in rows:
        every.relations += row.relations
        every.entities += () if row.relations else row.entities
        every.nodes += row.nodes
    return every


def supported(view: GraphView, rows: Sequence[Grounds]) -> list[Supported]:
    """Return the nodes that support rows: those of the first row first.

    What a row's relations are taken from supports it. A row without a relation is supported by the nodes that name its
    entities. Of one row, a node that supports more of it comes first, then the order of the corpus.
    """
    of_relations = {fact.id: fact.supports.tolist() for fact in view.relations(_all(row.relations for row in rows))}
    alone = [row.entities for row in rows if not row.relations]
    of_entities = {fact.id: fact.supports.tolist() for fact in view.entities(_all(alone))}
    first: dict[int, tuple[int, int, tuple[int, ...]]] = {}
    places: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        shares: dict[int, list[int]] = {node: [] for node in row.nodes}
        counts = dict.fromkeys(shares, 1)
        for relation in dict.fromkeys(row.relations):
            for node in of_relations[relation]:
                shares.setdefault(node, []).append(relation)
                counts[node] = counts.get(node, 0) + 1
        for entity in dict.fromkeys(() if row.relations or row.nodes else row.entities):
            for node in of_entities[entity]:
                shares.setdefault(node, [])
                counts[node] = counts.get(node, 0) + 1
        for node, relations in shares.items():
            first.setdefault(node, (place, -counts[node], tuple(relations)))
            places.setdefault(node, []).append(place)
    order = sorted(first, key=lambda node: (*first[node][:2], node))
    return [Supported(node, tuple(places[node]), first[node][2]) for node in order]


def _all(ids: Iterable[Iterable[int]]) -> list[int]:
    return sorted({each for some in ids for each in some})


def shown_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], places: Iterable[int]) -> list[dict[str, Any]]:
    """Return some rows for evidence: their values by column, without the numbers of the database."""
    chosen = [rows[place] for place in list(places)[:_SHOWN_ROWS]]
    return [dict(zip(columns, map(_plain, row), strict=False)) for row in chosen]


def told(columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int = 600) -> str:
    """Return rows in words, for a note."""
    text = json.dumps([dict(zip(columns, map(_plain, row), strict=False)) for row in rows[:20]], ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "_NODES" in value and "_RELS" in value:
        return {"nodes": _plain(value["_NODES"]), "relations": _plain(value["_RELS"])}
    if "_LABEL" in value:
        return {key: each for key, each in value.items() if key != "id" and not key.startswith("_")}
    return {key: _plain(each) for key, each in value.items()}
