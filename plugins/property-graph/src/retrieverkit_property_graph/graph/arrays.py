"""The whole graph in arrays, for work that looks at all of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieverkit_property_graph.graph.tables import MENTION, SUPPORT, Integers, packed, unpack

_SPARSE = 16
"""With so many times more ids given than there are, they are looked for one by one."""


class Relations(NamedTuple):
    """The relations, by ascending id.

    Attributes:
        subjects: The place of each one's subject among the entities.
        objects: The place of each one's object among the entities.
        ids: Their ids.
    """

    subjects: Integers
    objects: Integers
    ids: Integers


class Mentions(NamedTuple):
    """Which passages name which entities, by passage.

    Attributes:
        entities: Places among the entities.
        passages: Places among the passages.
    """

    entities: Integers
    passages: Integers


class Supports(NamedTuple):
    """Which passages support which relations, by passage.

    Attributes:
        relations: Places among the relations.
        passages: Places among the passages.
    """

    relations: Integers
    passages: Integers


class Labels(NamedTuple):
    """The labels of relations.

    Attributes:
        ids: The ids of labels, ascending.
        lengths: How many terms each has.
        of_relations: For each relation, the place of its label.
    """

    ids: Integers
    lengths: Integers
    of_relations: Integers


@dataclass(frozen=True)
class GraphArrays:
    """One state of the graph, or what some nodes support of it. Shared, and so not to be written to.

    Attributes:
        entities: The ids of the entities, ascending.
        lengths: How many terms the key of each entity has.
        passages: The ordinals of the nodes, ascending; those that support nothing are among them.
        relations: The relations.
        labels: Their labels.
        mentions: Which passages name which entities.
        supports: Which passages support which relations.
    """

    entities: Integers
    lengths: Integers
    passages: Integers
    relations: Relations
    labels: Labels
    mentions: Mentions
    supports: Supports

    def __post_init__(self) -> None:
        """Have numpy refuse to write to them."""
        alone = (self.entities, self.lengths, self.passages)
        for array in (*alone, *self.relations, *self.labels, *self.mentions, *self.supports):
            array.flags.writeable = False

    @cached_property
    def by_subject(self) -> Lists:
        """The relations that start at each entity."""
        return Lists.of(self.relations.subjects, len(self.entities))

    @cached_property
    def by_object(self) -> Lists:
        """The relations that end at each entity."""
        return Lists.of(self.relations.objects, len(self.entities))

    @cached_property
    def by_label(self) -> Lists:
        """The relations with each label."""
        return Lists.of(self.labels.of_relations, len(self.labels.ids))

    @cached_property
    def first_passages(self) -> Integers:
        """The place of the first passage that supports each relation."""
        first = np.zeros(len(self.relations.ids), np.int64)
        first[self.supports.relations[::-1]] = self.supports.passages[::-1]
        return first

    @cached_property
    def fact_lengths(self) -> Integers:
        """How many terms each relation has, with its ends."""
        ends = self.lengths[self.relations.subjects] + self.lengths[self.relations.objects]
        return ends + self.labels.lengths[self.labels.of_relations]

    def restricted(self, allowed: Integers) -> GraphArrays:
        """Return what the nodes with some ordinals, ascending, support."""
        seen = np.isin(self.passages, allowed, assume_unique=True)
        mentions, supports = seen[self.mentions.passages], seen[self.supports.passages]
        named = _flags(self.mentions.entities[mentions], len(self.entities))
        stated = _flags(self.supports.relations[supports], len(self.relations.ids))
        entity, relation, passage = _places(named), _places(stated), _places(seen)
        return GraphArrays(
            self.entities[named],
            self.lengths[named],
            self.passages[seen],
            Relations(
                entity[self.relations.subjects[stated]],
                entity[self.relations.objects[stated]],
                self.relations.ids[stated],
            ),
            self.labels._replace(of_relations=self.labels.of_relations[stated]),
            Mentions(entity[self.mentions.entities[mentions]], passage[self.mentions.passages[mentions]]),
            Supports(relation[self.supports.relations[supports]], passage[self.supports.passages[supports]]),
        )


class Lists(NamedTuple):
    """For each of some owners, the places of what it has.

    Attributes:
        items: The places, by owner.
        starts: Where each owner's begin; one more than there are owners.
    """

    items: Integers
    starts: Integers

    @classmethod
    def of(cls, owners: Integers, count: int) -> Lists:
        """Return the lists of ``count`` owners, given the owner of each item."""
        starts = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(owners, minlength=count), out=starts[1:])
        return cls(np.argsort(owners, kind="stable"), starts)

    def of_owners(self, owners: Integers) -> tuple[Integers, Integers]:
        """Return the items of some owners, and how many each has."""
        counts = self.starts[owners + 1] - self.starts[owners]
        ends = np.cumsum(counts)
        shifts = np.repeat(self.starts[owners] - ends + counts, counts)
        return self.items[shifts + np.arange(len(shifts))], counts


def load(connection: sqlite3.Connection) -> GraphArrays:
    """Read the whole graph.

    Raises:
        Misfit: It is damaged.
    """
    nodes = packed(connection.execute("SELECT ordinal, mentions, supports, digest FROM nodes ORDER BY ordinal"))
    passages = np.array([node.ordinal for node in nodes], np.int64)
    named, naming = _joined([node.mentions for node in nodes], MENTION)
    stated, stating = _joined([node.supports for node in nodes], SUPPORT)
    entities, lengths = _lengths(connection, "SELECT id, length FROM entities ORDER BY id")
    labels, label_lengths = _lengths(connection, "SELECT id, length FROM labels ORDER BY id")
    ids, of_support = np.unique(stated[:, 0], return_inverse=True)
    ends = np.zeros((len(ids), 3), np.int64)
    ends[of_support] = stated[:, 1:4]
    return GraphArrays(
        entities,
        lengths,
        passages,
        Relations(_among(entities, ends[:, 0]), _among(entities, ends[:, 2]), ids),
        Labels(labels, label_lengths, _among(labels, ends[:, 1])),
        Mentions(*_pairs(_among(entities, named[:, 0]), naming)),
        Supports(*_pairs(of_support, stating)),
    )


def _lengths(connection: sqlite3.Connection, query: str) -> tuple[Integers, Integers]:
    rows = connection.execute(query).fetchall()
    ids, lengths = np.array(rows, np.int64).reshape(-1, 2).T
    return np.ascontiguousarray(ids), np.ascontiguousarray(lengths)


def _joined(stored: list[bytes], width: int) -> tuple[Integers, Integers]:
    """Return packed rows of many nodes as one array, and the place of each row's node."""
    counts = np.array([len(each) for each in stored], np.int64) // (4 * width)
    return unpack(b"".join(stored), width), np.repeat(np.arange(len(stored)), counts)


def _among(ids: Integers, wanted: Integers) -> Integers:
    """Return the places of some ids among ascending ones that they all are of."""
    if not len(ids) or ids[-1] > _SPARSE * len(ids):
        return np.searchsorted(ids, wanted)
    places = np.zeros(ids[-1] + 1, np.int64)
    places[ids] = np.arange(len(ids))
    return places[wanted]


def _pairs(items: Integers, passages: Integers) -> tuple[Integers, Integers]:
    """Return pairs once each; equal ones are neighbours."""
    new = np.ones(len(items), bool)
    new[1:] = (items[1:] != items[:-1]) | (passages[1:] != passages[:-1])
    return items[new], passages[new]


def _flags(places: Integers, count: int) -> NDArray[np.bool_]:
    flags = np.zeros(count, bool)
    flags[places] = True
    return flags


def _places(flags: NDArray[np.bool_]) -> Integers:
    """Return the place that each flagged item has among those that are flagged."""
    places: Integers = np.cumsum(flags) - 1
    return places
