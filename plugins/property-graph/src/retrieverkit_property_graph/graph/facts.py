"""BM25 over relations: which of them say what a query says.

The text of a relation is its subject, its label and its object, as their keys, so that all spellings of a name are
found by each, and the terms of a fact do not depend on who may see which spelling. Terms are kept for each entity and
each label; a relation has those of its parts. All statistics are those of the relations that may be seen.
"""

from __future__ import annotations

import sqlite3
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_property_graph.graph.arrays import GraphArrays
from retrieverkit_property_graph.graph.tables import ENTITIES, LABELS, Integers
from retrieverkit_property_graph.names import key_of

K1 = 1.2
B = 0.75
_DIGITS = 9
"""Scores that differ by less are equal, in whatever order they were added."""

Scores = NDArray[np.float64]


def scored(
    connection: sqlite3.Connection, arrays: GraphArrays, analyzer: Analyzer, query: str
) -> tuple[Integers, Scores]:
    """Return the places of the relations that share terms with a query, ascending, and their BM25.

    Args:
        connection: The tables.
        arrays: The graph, of the same state; what is not in it is not counted.
        analyzer: What made terms of keys.
        query: Any text; none of it is syntax.
    """
    found, scores = [np.empty(0, np.int64)], [np.empty(0)]
    total = len(arrays.relations.ids)
    for term, asked in Counter(analyzer.terms(key_of(query))).items():
        facts, times = _having(connection, arrays, term)
        if not len(facts):
            continue
        weight = asked * np.log1p((total - len(facts) + 0.5) / (len(facts) + 0.5))
        lengths = arrays.fact_lengths[facts] / arrays.fact_lengths.mean()
        found.append(facts)
        scores.append(weight * times * (K1 + 1) / (times + K1 * (1 - B + B * lengths)))
    facts, summed = _summed(np.concatenate(found), np.concatenate(scores))
    return facts, np.round(summed, _DIGITS)


def _having(connection: sqlite3.Connection, arrays: GraphArrays, term: str) -> tuple[Integers, Scores]:
    """Return the places of the relations that have a term, ascending, and how often."""
    rows = connection.execute("SELECT kind, owner, times FROM terms WHERE term = ?", (term,)).fetchall()
    table = np.array(rows, np.int64).reshape(-1, 3)
    facts, times = [], []
    for kind, ids, lists in (
        (ENTITIES.kind, arrays.entities, (arrays.by_subject, arrays.by_object)),
        (LABELS.kind, arrays.labels.ids, (arrays.by_label,)),
    ):
        places, often = _known(ids, table[table[:, 0] == kind])
        for each in lists:
            items, counts = each.of_owners(places)
            facts.append(items)
            times.append(np.repeat(often, counts))
    return _summed(np.concatenate(facts), np.concatenate(times).astype(np.float64))


def _known(ids: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Return the places of the owners in ``rows`` that are among ``ids``, and how often they have the term."""
    places = np.searchsorted(ids, rows[:, 1])
    here = places < len(ids)
    here[here] = ids[places[here]] == rows[here, 1]
    return places[here], rows[here, 2]


def _summed(places: Integers, values: Scores) -> tuple[Integers, Scores]:
    """Return the different places, ascending, and the sum of the values at each."""
    different, inverse = np.unique(places, return_inverse=True)
    summed: Scores = np.bincount(inverse, weights=values, minlength=len(different)).astype(np.float64)
    return different, summed
