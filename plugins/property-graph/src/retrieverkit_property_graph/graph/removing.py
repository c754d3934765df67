"""Taking nodes out of the tables, with what they alone supported."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_property_graph.graph.tables import (
    ENTITIES,
    LABELS,
    MENTION,
    NODES,
    SUPPORT,
    Integers,
    Keyed,
    packed,
    rows_of,
    unpack,
)
from retrieverkit_property_graph.graph.writing import FORM_USES, PHRASE_USES, count_uses

_MENTIONED = "SELECT 1 FROM mentions WHERE entity = ? LIMIT 1"
_SUPPORTED = "SELECT 1 FROM supports WHERE relation = ? LIMIT 1"
_PHRASED = "SELECT 1 FROM phrases WHERE label = ? LIMIT 1"


def remove(connection: sqlite3.Connection, analyzer: Analyzer, ordinals: Sequence[int]) -> None:
    """Take nodes out, and what no other node supports.

    Args:
        connection: The tables, inside a transaction.
        analyzer: What made terms of keys.
        ordinals: Those of the nodes; some may not be there.
    """
    mentions, supports = _take_nodes(connection, ordinals)
    connection.executemany("DELETE FROM mentions WHERE entity = ? AND ordinal = ? AND form = ?", mentions.tolist())
    connection.executemany("DELETE FROM supports WHERE relation = ? AND ordinal = ? AND phrase = ?", supports.tolist())
    relations = _without(connection, supports[:, 0], _SUPPORTED)
    _delete(connection, "DELETE FROM relations WHERE id = ?", relations)
    count_uses(connection, FORM_USES, mentions[:, 2], -1)
    _delete(connection, "DELETE FROM forms WHERE id = ? AND uses = 0", mentions[:, 2])
    _remove_keyed(connection, analyzer, ENTITIES, _without(connection, mentions[:, 0], _MENTIONED))
    phrases = np.unique(supports[:, 2]).tolist()
    labels = [row[0] for row in rows_of(connection, "SELECT label FROM phrases WHERE id IN", phrases)]
    count_uses(connection, PHRASE_USES, supports[:, 2], -1)
    _delete(connection, "DELETE FROM phrases WHERE id = ? AND uses = 0", supports[:, 2])
    _remove_keyed(connection, analyzer, LABELS, _without(connection, labels, _PHRASED))


def _take_nodes(connection: sqlite3.Connection, ordinals: Sequence[int]) -> tuple[Integers, Integers]:
    """Delete the rows of nodes, and return what they supported as rows of ``mentions`` and ``supports``."""
    mentions, supports = [np.empty((0, 3), np.int64)], [np.empty((0, 3), np.int64)]
    for ordinal, mentioned, supported in packed(rows_of(connection, NODES, ordinals)):
        mentions.append(np.insert(unpack(mentioned, MENTION), 1, ordinal, axis=1))
        supports.append(np.insert(unpack(supported, SUPPORT)[:, [0, 4]], 1, ordinal, axis=1))
    _delete(connection, "DELETE FROM nodes WHERE ordinal = ?", ordinals)
    return np.concatenate(mentions), np.concatenate(supports)


def _remove_keyed(connection: sqlite3.Connection, analyzer: Analyzer, what: Keyed, ids: Sequence[int]) -> None:
    """Delete entities or labels, and the terms that lead to them."""
    for id_, key in rows_of(connection, what.keys, ids):
        terms = ((term, what.kind, id_) for term in set(analyzer.terms(key)))
        connection.executemany("DELETE FROM terms WHERE term = ? AND kind = ? AND owner = ?", terms)
    _delete(connection, what.delete, ids)


def _without(connection: sqlite3.Connection, ids: Integers | Sequence[int], query: str) -> list[int]:
    """Return which of some ids ``query`` finds nothing for."""
    different = np.unique(np.asarray(ids, np.int64)).tolist()
    return [each for each in different if connection.execute(query, (each,)).fetchone() is None]


def _delete(connection: sqlite3.Connection, statement: str, ids: Integers | Sequence[int]) -> None:
    connection.executemany(statement, ((each,) for each in np.unique(np.asarray(ids, np.int64)).tolist()))
