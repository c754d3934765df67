"""`GraphView`: one state of the graph, seen through some nodes alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_property_graph.graph.arrays import GraphArrays
from retrieverkit_property_graph.graph.facts import scored
from retrieverkit_property_graph.graph.tables import (
    ENTITIES,
    MENTION,
    NODES,
    SUPPORT,
    Integers,
    Packed,
    is_storable,
    packed,
    rows_of,
    unpack,
)
from retrieverkit_property_graph.graph.wording import Wording
from retrieverkit_property_graph.names import key_of

_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """What the nodes that may be seen say of an entity.

    Attributes:
        id: Its id, valid within the view.
        key: What all spellings of its name have in common.
        name: The spelling that most nodes have; of equal ones the smallest.
        labels: What any of them says that it is, sorted.
        properties: Of each property the value that most nodes give; of equal ones the smallest as JSON.
        supports: The ordinals of the nodes that name it, ascending.
    """

    id: int
    key: str
    name: str
    labels: tuple[str, ...]
    properties: dict[str, Any]
    supports: Integers


@dataclass(frozen=True, slots=True)
class RelationFacts:
    """What the nodes that may be seen say of a relation.

    Attributes:
        id: Its id, valid within the view.
        subject: The id of the entity that it starts from.
        label: The spelling that most nodes have; of equal ones the smallest.
        object: The id of the entity that it leads to.
        properties: Of each property the value that most nodes give; of equal ones the smallest as JSON.
        supports: The ordinals of the nodes that state it, ascending.
    """

    id: int
    subject: int
    label: str
    object: int
    properties: dict[str, Any]
    supports: Integers


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to be seen.

    Attributes:
        entities: Entities.
        relations: Relations.
        passages: Nodes, also those that name no entity.
        mentions: Pairs of a node and an entity that it names.
    """

    entities: int
    relations: int
    passages: int
    mentions: int


class GraphView:
    """One state of the graph, seen through some nodes alone: there is nothing in it that they do not support.

    For one thread, inside the block of `GraphReader.view`.

    Args:
        connection: The tables.
        analyzer: What made terms of keys.
        allowed: The ordinals of the nodes that may be seen, ascending; None for all.
        arrays: Returns the graph of the same state in arrays.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        analyzer: Analyzer,
        allowed: Integers | None,
        arrays: Callable[[], GraphArrays],
    ) -> None:
        self._connection = connection
        self._analyzer = analyzer
        self._allowed = allowed
        self._arrays = arrays

    def find(self, names: Iterable[str]) -> dict[str, int]:
        """Return the id of each name that there is an entity for, in any spelling."""
        keys = {name: key_of(name) for name in names}
        asked = sorted(key for key in set(keys.values()) if key and is_storable(key))
        known: dict[str, int] = dict(rows_of(self._connection, ENTITIES.find, asked))
        seen = self._seen(known.values())
        return {name: known[key] for name, key in keys.items() if known.get(key) in seen}

    def entity(self, entity: int) -> EntityFacts:
        """Return what is said of an entity.

        Raises:
            KeyError: There is none with that id.
        """
        return self.entities([entity])[0]

    def entities(self, ids: Sequence[int]) -> list[EntityFacts]:
        """Return what is said of entities, in order.

        Raises:
            KeyError: There is none with one of the ids.
        """
        keys = dict(self._rows(ENTITIES.keys, ids))
        wordings = self._wordings(ids, _MENTIONS, _FORMS)
        return [
            EntityFacts(id_, keys[id_], of.name(), of.labels(), of.properties(), of.ordinals)
            for id_ in ids
            for of in (wordings[id_],)
        ]

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the names of entities.

        Raises:
            KeyError: There is none with one of the ids.
        """
        different = list(dict.fromkeys(ids))
        wordings = self._wordings(different, _MENTIONS, _FORMS)
        return {id_: wordings[id_].name() for id_ in different}

    def keys(self) -> list[str]:
        """Return the key of each entity of `arrays`, in its order."""
        ids = self.arrays().entities.tolist()
        keys = dict(self._rows(ENTITIES.keys, ids))
        return [keys[id_] for id_ in ids]

    def relation(self, relation: int) -> RelationFacts:
        """Return what is said of a relation.

        Raises:
            KeyError: There is none with that id.
        """
        return self.relations([relation])[0]

    def relations(self, ids: Sequence[int]) -> list[RelationFacts]:
        """Return what is said of relations, in order.

        Raises:
            KeyError: There is none with one of the ids.
        """
        ends = {row[0]: row[1:] for row in self._rows("SELECT id, subject, object FROM relations WHERE id IN", ids)}
        wordings = self._wordings(ids, _SUPPORTS, _PHRASES)
        return [
            RelationFacts(id_, ends[id_][0], of.name(), ends[id_][1], of.properties(), of.ordinals)
            for id_ in ids
            for of in (wordings[id_],)
        ]

    def relations_of(self, entities: Iterable[int], limit: int | None = None) -> list[int]:
        """Return the relations that start or end at any of some entities.

        They come in the order of the corpus, by the first node that supports each; those of one node by their keys.

        Args:
            entities: Ids.
            limit: At most this many.
        """
        found: set[int] = set()
        wanted = list(dict.fromkeys(entities))
        for query in ("SELECT id FROM relations WHERE subject IN", "SELECT id FROM relations WHERE object IN"):
            found.update(row[0] for row in self._rows(query, wanted))
        ids = np.array(sorted(found), np.int64)
        first = self._first_supports(ids)
        ids, first = ids[first >= 0], first[first >= 0]
        return [relation for relation, _ in self._ordered(ids, np.zeros(len(ids)), first, limit)]

    def mentioned_in(self, ordinals: Iterable[int]) -> list[int]:
        """Return the entities that nodes name, by ascending id."""
        return _ids_in([node.mentions for node in self._nodes(ordinals)], MENTION)

    def supported_by(self, ordinals: Iterable[int]) -> list[int]:
        """Return the relations that nodes support, by ascending id."""
        return _ids_in([node.supports for node in self._nodes(ordinals)], SUPPORT)

    def facts(self, query: str, limit: int, *, ties: bool = False) -> list[tuple[int, float]]:
        """Return the relations that say what a query says, with their BM25, best first.

        Equal ones come in the order of `relations_of`.

        Args:
            query: Any text.
            limit: At most this many.
            ties: Whether those that equal the last one come too: what there is then does not depend on the order.
        """
        arrays = self.arrays()
        facts, scores = scored(self._connection, arrays, self._analyzer, query)
        if limit < len(facts):
            enough = np.partition(scores, len(scores) - limit)[len(scores) - limit] if limit else np.inf
            facts, scores = facts[scores >= enough], scores[scores >= enough]
        return self._ordered(arrays.relations.ids[facts], scores, arrays.first_passages[facts], None if ties else limit)

    def arrays(self) -> GraphArrays:
        """Return the graph in arrays, which are shared: do not write to them."""
        return self._arrays()

    def count(self) -> Counts:
        """Return how much there is to be seen."""
        arrays = self.arrays()
        sizes = (arrays.entities, arrays.relations.ids, arrays.passages, arrays.mentions.entities)
        return Counts(*map(len, sizes))

    def problems(self) -> list[tuple[int, str]]:
        """Return what could not be read of nodes, as pairs of an ordinal and a text."""
        return sorted(self._rows(_PROBLEMS, self._with_problems()))

    def notes(self, mode: str) -> tuple[str, ...]:
        """Return what a mode notes on its results of `problems`."""
        ordinals = self._with_problems()
        shown = ordinals[:_SHOWN_PROBLEMS]
        notes = [f"{mode}: not in the graph: {problem}" for _, problem in sorted(self._rows(_PROBLEMS, shown))]
        more = len(ordinals) - len(shown)
        if more:
            notes.append(f"{mode}: not in the graph: parts of {more:,} more node{'' if more == 1 else 's'}")
        return tuple(notes)

    def _with_problems(self) -> list[int]:
        """Return the ordinals of the nodes of which not all could be read, ascending."""
        query = "SELECT ordinal FROM nodes WHERE problem IS NOT NULL ORDER BY ordinal"
        ordinals = np.array([row[0] for row in self._connection.execute(query)], np.int64)
        seen: list[int] = ordinals[self._permits(ordinals)].tolist()
        return seen

    def _permits(self, ordinals: Integers) -> NDArray[np.bool_]:
        """Return of each of some ordinals whether its node may be seen."""
        if self._allowed is None:
            return np.ones(len(ordinals), bool)
        if not len(self._allowed):
            return np.zeros(len(ordinals), bool)
        places = np.searchsorted(self._allowed, ordinals).clip(max=len(self._allowed) - 1)
        permitted: NDArray[np.bool_] = self._allowed[places] == ordinals
        return permitted

    def _rows(self, query: str, values: Iterable[int]) -> list[Any]:
        return list(rows_of(self._connection, query, dict.fromkeys(values)))

    def _seen(self, entities: Iterable[int]) -> set[int]:
        """Return which of some entities a node that may be seen names."""
        if self._allowed is None:
            return set(entities)
        rows = np.array(self._rows(_MENTIONS, entities), np.int64).reshape(-1, 3)
        return set(rows[self._permits(rows[:, 1]), 0].tolist())

    def _first_supports(self, relations: Integers) -> Integers:
        """Return the first ordinal that supports each of some relations, ascending; -1 where none may be seen."""
        rows = np.array(self._rows(_SUPPORTS, relations.tolist()), np.int64).reshape(-1, 3)
        rows = rows[self._permits(rows[:, 1])]
        rows = rows[np.argsort(-rows[:, 1], kind="stable")]
        first = np.full(len(relations), -1, np.int64)
        first[np.searchsorted(relations, rows[:, 0])] = rows[:, 1]  # of several the last, which is the smallest
        return first

    def _ordered(
        self, relations: Integers, scores: NDArray[np.float64], first: Integers, limit: int | None
    ) -> list[tuple[int, float]]:
        """Return relations and scores, best first; equal ones by the first node that supports each, then by keys."""
        order = np.lexsort((first, -scores))
        relations, scores, first = relations[order], scores[order], first[order]
        same = (scores[1:] == scores[:-1]) & (first[1:] == first[:-1])
        if limit is not None and limit < len(relations):
            ends = np.append(np.flatnonzero(~same) + 1, len(relations))  # where what is equal ends
            kept = int(ends[np.searchsorted(ends, limit)])
            relations, scores, first, same = relations[:kept], scores[:kept], first[:kept], same[: max(0, kept - 1)]
        tied = np.zeros(len(first), bool)
        tied[1:] |= same
        tied[:-1] |= same
        keys = self._keys(relations[tied].tolist())
        rows = zip(relations.tolist(), scores.tolist(), first.tolist(), strict=True)
        ordered = sorted(rows, key=lambda row: (-row[1], row[2], keys.get(row[0], ("", "", ""))))
        return [(relation, score) for relation, score, _ in ordered[:limit]]

    def _keys(self, relations: Iterable[int]) -> dict[int, tuple[str, str, str]]:
        """Return the keys of the parts of relations."""
        rows = self._rows(
            "SELECT relations.id, subjects.key, labels.key, objects.key FROM relations "
            "JOIN entities AS subjects ON subjects.id = subject JOIN labels ON labels.id = label "
            "JOIN entities AS objects ON objects.id = object WHERE relations.id IN",
            relations,
        )
        return {id_: (subject, label, object_) for id_, subject, label, object_ in rows}

    def _nodes(self, ordinals: Iterable[int]) -> list[Packed]:
        """Return what those of some nodes support that may be seen."""
        asked = np.array(sorted(set(ordinals)), np.int64)
        return packed(self._rows(NODES, asked[self._permits(asked)].tolist()))

    def _wordings(self, ids: Iterable[int], written: str, ways: str) -> dict[int, Wording]:
        """Return how the nodes that may be seen write entities or relations."""
        rows = np.array(self._rows(written, ids), np.int64).reshape(-1, 3)
        rows = rows[self._permits(rows[:, 1])]
        known = {row[0]: row[1:] for row in self._rows(ways, np.unique(rows[:, 2]).tolist())}
        order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
        rows = rows[order]
        owners, starts = np.unique(rows[:, 0], return_index=True)
        parts = np.split(rows[:, 1:], starts[1:])
        return {owner: Wording(part, known) for owner, part in zip(owners.tolist(), parts, strict=False)}


def _ids_in(stored: list[bytes], width: int) -> list[int]:
    """Return the different ids that packed rows begin with, ascending."""
    found: list[int] = np.unique(unpack(b"".join(stored), width)[:, 0]).tolist()
    return found


_MENTIONS = "SELECT entity, ordinal, form FROM mentions WHERE entity IN"
_SUPPORTS = "SELECT relation, ordinal, phrase FROM supports WHERE relation IN"
_PROBLEMS = "SELECT ordinal, problem FROM nodes WHERE ordinal IN"
_FORMS = "SELECT id, name, properties, labels FROM forms WHERE id IN"
_PHRASES = "SELECT id, text, properties, '[]' FROM phrases WHERE id IN"
