"""Writing what nodes support into the tables."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.derived import RebuildRequired
from retrieverkit_property_graph.graph.tables import (
    ENTITIES,
    LABELS,
    MOST,
    Integers,
    Keyed,
    digest,
    is_storable,
    pack,
    rows_of,
)
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.triples import Entity, Extracted, Triple

HELD = 4_000_000
"""How many mentions and supports are collected in memory before they are written."""

FORM_USES = "UPDATE forms SET uses = uses + ? WHERE id = ?"
PHRASE_USES = "UPDATE phrases SET uses = uses + ? WHERE id = ?"

_NO_LABELS, _NO_PROPERTIES = "[]", "{}"

_FORMS = "SELECT entity, name, labels, properties, id FROM forms WHERE entity IN"

Written = tuple[str, str, str, str]
"""Of an entity or a relation's label: its key, and how it is written: name, labels, properties."""
Form = tuple[int, str, str, str]
"""Of an entity: its place among the keys, name, labels, properties."""
Phrase = tuple[int, str, str]
"""Of a relation: the place of its label among the keys, text, properties."""


class Writer:
    """Collects what nodes support, and writes it in few sorted pieces.

    Args:
        connection: The tables, inside a transaction.
        analyzer: What makes terms of keys.
    """

    def __init__(self, connection: sqlite3.Connection, analyzer: Analyzer) -> None:
        self._connection = connection
        self._analyzer = analyzer
        self._clear()

    def _clear(self) -> None:
        self._entities: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._forms: dict[Form, int] = {}
        self._phrases: dict[Phrase, int] = {}
        self._plain_names: dict[str, Written] = {}
        self._plain_labels: dict[str, Written] = {}
        self._nodes: list[tuple[int, str | None]] = []
        self._mentions = array("q")
        self._supports = array("q")

    def add(self, ordinal: int, extracted: Extracted) -> None:
        """Take what a node supports. What cannot be stored becomes a problem of the node."""
        problems = [extracted.problem] if extracted.problem else []
        for entity in extracted.entities:
            try:
                self._mention(ordinal, self._entity(entity))
            except ValueError as error:
                problems.append(str(error))
        for triple in extracted.triples:
            try:
                self._support(ordinal, triple)
            except ValueError as error:
                problems.append(str(error))
        self._nodes.append((ordinal, "; ".join(problems) or None))
        if len(self._mentions) // 3 + len(self._supports) // 5 >= HELD:
            self.write()

    def _mention(self, ordinal: int, entity: Written) -> int:
        """Note that a node names an entity, and return its place."""
        key, name, labels, properties = entity
        at = self._entities.setdefault(key, len(self._entities))
        of = self._forms.setdefault((at, name, labels, properties), len(self._forms))
        self._mentions.extend((ordinal, at, of))
        return at

    def _support(self, ordinal: int, triple: Triple) -> None:
        ends = self._entity(triple.subject), self._entity(triple.object)
        key, text, _, properties = self._label(triple)
        subject, object_ = (self._mention(ordinal, end) for end in ends)  # nothing can be refused any more
        label = self._labels.setdefault(key, len(self._labels))
        phrase = self._phrases.setdefault((label, text, properties), len(self._phrases))
        self._supports.extend((ordinal, subject, label, object_, phrase))

    def _entity(self, entity: Entity) -> Written:
        if entity.labels or entity.properties:
            labels = _json(list(dict.fromkeys(entity.labels))) if entity.labels else _NO_LABELS
            return _key(entity.name, "an entity"), entity.name, labels, _json(entity.properties)
        known = self._plain_names.get(entity.name)
        if known is None:
            known = _key(entity.name, "an entity"), entity.name, _NO_LABELS, _NO_PROPERTIES
            self._plain_names[entity.name] = known
        return known

    def _label(self, triple: Triple) -> Written:
        if triple.properties:
            return _key(triple.relation, "a relation"), triple.relation, _NO_LABELS, _json(triple.properties)
        known = self._plain_labels.get(triple.relation)
        if known is None:
            known = _key(triple.relation, "a relation"), triple.relation, _NO_LABELS, _NO_PROPERTIES
            self._plain_labels[triple.relation] = known
        return known

    def write(self) -> None:
        """Write all that was collected."""
        entities = self._ids(ENTITIES, self._entities)
        labels = self._ids(LABELS, self._labels)
        forms = self._form_ids(entities)
        phrases = self._phrase_ids(labels)
        mentions = np.array(self._mentions, np.int64).reshape(-1, 3)
        mentions = distinct(np.column_stack([entities[mentions[:, 1]], mentions[:, 0], forms[mentions[:, 2]]])).rows
        supports = np.array(self._supports, np.int64).reshape(-1, 5)
        ends = np.column_stack([entities[supports[:, 1]], labels[supports[:, 2]], entities[supports[:, 3]]])
        relations = distinct(ends)
        ids = self._relation_ids(relations.rows)[relations.inverse]
        supported = distinct(np.column_stack([ids, supports[:, 0], phrases[supports[:, 4]]]))
        self._insert("INSERT INTO mentions VALUES (?, ?, ?)", mentions)
        self._insert("INSERT INTO supports VALUES (?, ?, ?)", supported.rows)
        count_uses(self._connection, FORM_USES, mentions[:, 2], 1)
        count_uses(self._connection, PHRASE_USES, supported.rows[:, 2], 1)
        packed = np.column_stack([supported.rows[:, [1, 0]], ends[supported.first], supported.rows[:, 2]])
        self._write_nodes(mentions[:, [1, 0, 2]], packed)
        self._clear()

    def _ids(self, what: Keyed, keys: dict[str, int]) -> Integers:
        """Return the id of each key, the new ones written with their terms."""
        connection = self._connection
        known: dict[str, int] = {}
        last = _last(connection, what.last)
        if last:
            known.update(rows_of(connection, what.find, keys))
        new = sorted(key for key in keys if key not in known)
        rows, terms = [], []
        for id_, key in enumerate(new, last + 1):
            known[key] = id_
            counted = Counter(self._analyzer.terms(key))
            rows.append((id_, key, counted.total()))
            terms += [(term, what.kind, id_, times) for term, times in counted.items()]
        connection.executemany(what.insert, rows)
        connection.executemany("INSERT INTO terms VALUES (?, ?, ?, ?)", sorted(terms))
        return np.array([known[key] for key in keys], np.int64)

    def _form_ids(self, entities: Integers) -> Integers:
        connection = self._connection
        last = _last(connection, "SELECT coalesce(max(id), 0) FROM forms")
        wanted = [(int(entities[at]), *rest) for at, *rest in self._forms]
        known: dict[tuple[Any, ...], int] = {}
        if last:
            rows = rows_of(connection, _FORMS, dict.fromkeys(entities.tolist()))
            known.update((row[:4], row[4]) for row in rows)
        new = sorted(form for form in wanted if form not in known)
        known.update((form, id_) for id_, form in enumerate(new, last + 1))
        connection.executemany("INSERT INTO forms VALUES (?, ?, ?, ?, ?, 0)", ((known[form], *form) for form in new))
        return np.array([known[form] for form in wanted], np.int64)

    def _phrase_ids(self, labels: Integers) -> Integers:
        connection = self._connection
        last = _last(connection, "SELECT coalesce(max(id), 0) FROM phrases")
        wanted = [(int(labels[at]), *rest) for at, *rest in self._phrases]
        known: dict[tuple[Any, ...], int] = {}
        if last:
            look = "SELECT id FROM phrases WHERE label = ? AND text = ? AND properties = ?"
            found = ((phrase, connection.execute(look, phrase).fetchone()) for phrase in wanted)
            known.update((phrase, row[0]) for phrase, row in found if row)
        new = sorted(phrase for phrase in wanted if phrase not in known)
        known.update((phrase, id_) for id_, phrase in enumerate(new, last + 1))
        rows = ((known[phrase], *phrase) for phrase in new)
        connection.executemany("INSERT INTO phrases VALUES (?, ?, ?, ?, 0)", rows)
        return np.array([known[phrase] for phrase in wanted], np.int64)

    def _relation_ids(self, relations: Integers) -> Integers:
        connection = self._connection
        last = _last(connection, "SELECT coalesce(max(id), 0) FROM relations")
        ids = np.zeros(len(relations), np.int64)
        if last:
            look = "SELECT id FROM relations WHERE subject = ? AND label = ? AND object = ?"
            found = (connection.execute(look, ends).fetchone() for ends in relations.tolist())
            ids[:] = [row[0] if row else 0 for row in found]
        new = np.flatnonzero(ids == 0)
        ids[new] = np.arange(last + 1, last + 1 + len(new))
        self._insert("INSERT INTO relations VALUES (?, ?, ?, ?)", np.column_stack([ids[new], relations[new]]))
        return ids

    def _insert(self, statement: str, rows: Integers) -> None:
        self._connection.executemany(statement, zip(*rows.T.tolist(), strict=True))

    def _write_nodes(self, mentions: Integers, supports: Integers) -> None:
        ordinals = np.array([ordinal for ordinal, _ in self._nodes], np.int64)
        mentioned, supported = _by_node(ordinals, mentions), _by_node(ordinals, supports)
        rows = zip(self._nodes, mentioned, supported, strict=True)
        self._connection.executemany(
            "INSERT INTO nodes VALUES (?, ?, ?, ?, ?)",
            (
                (ordinal, named := pack(of), stated := pack(states), digest(named, stated), problem)
                for (ordinal, problem), of, states in rows
            ),
        )


def count_uses(connection: sqlite3.Connection, statement: str, ids: Integers, sign: int) -> None:
    """Add how often each id is there to its ``uses``, or take it away."""
    used, times = np.unique(ids, return_counts=True)
    rows = zip((sign * times).tolist(), used.tolist(), strict=True)
    connection.executemany(statement, rows)


def _by_node(ordinals: Integers, rows: Integers) -> Iterator[Integers]:
    """Yield the rows of each node, without their first column, which has its ordinal."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    starts = np.searchsorted(rows[:, 0], ordinals, "left")
    ends = np.searchsorted(rows[:, 0], ordinals, "right")
    return (rows[start:end, 1:] for start, end in zip(starts, ends, strict=True))


class Distinct(NamedTuple):
    """The distinct rows of some.

    Attributes:
        rows: These, ascending.
        inverse: For each of the rows, its place among the distinct ones.
        first: For each distinct row, the place of the first that is equal.
    """

    rows: Integers
    inverse: Integers
    first: Integers


def distinct(rows: Integers) -> Distinct:
    """Return the distinct ones of some rows."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    starts = np.ones(len(rows), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(1)
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(starts) - 1
    return Distinct(ordered[starts], inverse, order[starts])


def _last(connection: sqlite3.Connection, query: str) -> int:
    last = int(connection.execute(query).fetchone()[0])
    if last > MOST - HELD:
        raise RebuildRequired("the graph has run out of ids")
    return last


def _key(name: str, what: str) -> str:
    key = key_of(name)
    if not key:
        raise ValueError(f"the name of {what} is blank")
    if not is_storable(name):
        raise ValueError(f"the name of {what} holds half a surrogate pair, so it is not text")
    return key


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, sort_keys=True)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"labels or properties are not JSON: {error}") from error
