"""The tables of the graph, and how supports are packed.

Each row of an entity's mention or a relation's support has the ordinal of the node behind it, so that all that is seen
is a function of the nodes that are there, or that may be seen:

- ``entities`` and ``labels`` hold keys, with the number of their terms; ``terms`` leads from a term to either;
- ``forms`` holds the ways in which an entity is written (name, labels, properties), ``phrases`` those of a relation's
  label (text, properties); ``uses`` counts the rows that point to one, and what nobody uses goes;
- ``relations`` holds which entities are related by which label;
- ``mentions`` and ``supports`` lead from an entity or a relation to its nodes, ``nodes`` from a node to what it
  supports, packed: the whole graph is read from it without a row for each relation. ``digest`` tells damage.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from retrieverkit_indexing.derived import Misfit

Integers = NDArray[np.int64]

TABLES = (
    "CREATE TABLE entities (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, length INTEGER NOT NULL)",
    "CREATE TABLE labels (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, length INTEGER NOT NULL)",
    "CREATE TABLE forms (id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL, "
    "properties TEXT NOT NULL, uses INTEGER NOT NULL)",
    "CREATE TABLE phrases (id INTEGER PRIMARY KEY, label INTEGER NOT NULL, text TEXT NOT NULL, "
    "properties TEXT NOT NULL, uses INTEGER NOT NULL, UNIQUE (label, text, properties))",
    "CREATE TABLE relations (id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, label INTEGER NOT NULL, "
    "object INTEGER NOT NULL, UNIQUE (subject, label, object))",
    "CREATE TABLE mentions (entity INTEGER, ordinal INTEGER, form INTEGER, PRIMARY KEY (entity, ordinal, form)) "
    "WITHOUT ROWID",
    "CREATE TABLE supports (relation INTEGER, ordinal INTEGER, phrase INTEGER, "
    "PRIMARY KEY (relation, ordinal, phrase)) WITHOUT ROWID",
    "CREATE TABLE nodes (ordinal INTEGER PRIMARY KEY, mentions BLOB NOT NULL, supports BLOB NOT NULL, "
    "digest INTEGER NOT NULL, problem TEXT)",
    "CREATE TABLE terms (term TEXT, kind INTEGER, owner INTEGER, times INTEGER NOT NULL, "
    "PRIMARY KEY (term, kind, owner)) WITHOUT ROWID",
    "CREATE INDEX forms_of_entity ON forms (entity)",
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL)",
    "INSERT INTO state VALUES (1, 0)",
)
"""The tables; ``state`` counts the changes, so that arrays in memory know whether they are of this state."""

INDEXES = (
    "CREATE INDEX relations_to_object ON relations (object)",
    "CREATE INDEX problems ON nodes (ordinal) WHERE problem IS NOT NULL",
)
"""Made when the tables are filled for the first time."""


class Keyed(NamedTuple):
    """What is known by keys, and the statements for it.

    Attributes:
        kind: Its kind in ``terms``.
        last: Its highest id.
        find: Ids by keys.
        keys: Keys by ids.
        insert: Puts one in.
        delete: Takes one out.
    """

    kind: int
    last: str
    find: str
    keys: str
    insert: str
    delete: str


ENTITIES = Keyed(
    0,
    "SELECT coalesce(max(id), 0) FROM entities",
    "SELECT key, id FROM entities WHERE key IN",
    "SELECT id, key FROM entities WHERE id IN",
    "INSERT INTO entities VALUES (?, ?, ?)",
    "DELETE FROM entities WHERE id = ?",
)
LABELS = Keyed(
    1,
    "SELECT coalesce(max(id), 0) FROM labels",
    "SELECT key, id FROM labels WHERE key IN",
    "SELECT id, key FROM labels WHERE id IN",
    "INSERT INTO labels VALUES (?, ?, ?)",
    "DELETE FROM labels WHERE id = ?",
)

NODES = "SELECT ordinal, mentions, supports, digest FROM nodes WHERE ordinal IN"
"""What `packed` takes, of nodes by their ordinals."""

MENTION = 2
"""How many numbers a mention has in ``nodes``: entity, form."""
SUPPORT = 5
"""How many numbers a support has in ``nodes``: relation, subject, label, object, phrase."""
MOST = 2**31 - 1
"""The highest id that is packed."""

_AT_ONCE = 500


def pack(rows: Integers) -> bytes:
    """Return rows of ids as bytes."""
    return rows.astype("<i4").tobytes()


def unpack(stored: bytes, width: int) -> Integers:
    """Return the rows that `pack` was given."""
    return np.frombuffer(stored, "<i4").astype(np.int64).reshape(-1, width)


def digest(mentions: bytes, supports: bytes) -> int:
    """Return what tells the packed rows of a node from damaged ones."""
    return crc32(supports, crc32(mentions))


class Packed(NamedTuple):
    """What a node supports, as it is stored."""

    ordinal: int
    mentions: bytes
    supports: bytes


def packed(rows: Iterable[tuple[int, bytes, bytes, int]]) -> list[Packed]:
    """Return the packed rows of nodes.

    Raises:
        Misfit: Some are damaged.
    """
    found = []
    for ordinal, mentions, supports, told in rows:
        if digest(mentions, supports) != told:
            raise Misfit("what a node supports is damaged")
        found.append(Packed(ordinal, mentions, supports))
    return found


def rows_of(connection: sqlite3.Connection, query: str, values: Iterable[int | str]) -> Iterator[Any]:
    """Yield the rows of a query that ends with ``IN``, for any number of values."""
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield from connection.execute(f"{query} ({','.join('?' * len(some))})", some).fetchall()


def is_storable(text: str) -> bool:
    """Return whether SQLite can hold a text: it has no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
