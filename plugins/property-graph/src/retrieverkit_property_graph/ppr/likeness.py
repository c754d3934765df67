"""Names that are like each other: a walker may take one for the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrieverkit_property_graph.ppr.network import Floats, Integers

LIKE = 0.5
"""The least likeness of two names: the words that they share by the words that either has (Jaccard 1912)."""

MOST_SHARING = 100
"""A word that more names have makes none of them like another, so that the work grows with the names, not the pairs."""

MOST_WORDS = 12
"""A name of more words is like no other."""

_ROWS_AT_ONCE = 4_000


def like_names(keys: Sequence[str]) -> tuple[Integers, Floats]:
    """Return which names are like each other.

    Two names of at most `MOST_WORDS` words are compared where they share a word that at most `MOST_SHARING` names have.

    Args:
        keys: The key of each name, its words parted by spaces.

    Returns:
        The places of each pair, the lower first, in ascending order, shape (L, 2); and the likeness of each.
    """
    words = _words(keys)
    counts = np.diff(words.indptr)
    in_names = np.bincount(words.indices, minlength=words.shape[1])
    rare = words[:, np.flatnonzero((in_names > 1) & (in_names <= MOST_SHARING))]
    by_word = rare.T.tocsr()
    found: list[tuple[Integers, Integers, Floats]] = []
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        candidates = (rare[start : start + _ROWS_AT_ONCE] @ by_word).tocoo()
        one, other = candidates.row.astype(np.int64) + start, candidates.col.astype(np.int64)
        shorter, longer = np.minimum(counts[one], counts[other]), np.maximum(counts[one], counts[other])
        kept = (one < other) & (shorter >= LIKE * longer)
        one, other = one[kept], other[kept]
        shared = np.asarray(words[one].multiply(words[other]).sum(axis=1), dtype=np.float64).ravel()
        likeness = shared / (counts[one] + counts[other] - shared)
        alike = likeness >= LIKE
        found.append((one[alike], other[alike], likeness[alike]))
    if not found:
        return np.empty((0, 2), np.int64), np.empty(0)
    one, other, likeness = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((other, one))
    return np.column_stack([one, other])[order], likeness[order]


def _words(keys: Sequence[str]) -> csr_array:
    """Return which words each name has, each once, if they are few: names by words."""
    known: dict[str, int] = {}
    columns: list[int] = []
    ends: NDArray[np.int64] = np.zeros(len(keys) + 1, np.int64)
    for at, key in enumerate(keys):
        words = set(key.split())
        if len(words) <= MOST_WORDS:
            columns += sorted(known.setdefault(word, len(known)) for word in words)
        ends[at + 1] = len(columns)
    return csr_array((np.ones(len(columns)), np.array(columns, np.int64), ends), shape=(len(keys), max(len(known), 1)))
