"""Which nodes stand under one parent: a rule that looks at the sequence of nodes alone, not at how it came about.

A parent's children end where a hash says so, as the chunks of a prolly tree do: behind a node whose own hash falls
among one in so many. So a node that comes or goes changes the parents around it, and no others; and what is added and
deleted again leaves the tree that was there before.

From each boundary on, the first half of ``num_children`` nodes cannot end a parent, then each of them does by its hash
with such a probability that ``num_children`` is the mean; after twice as many the parent ends anyhow. What is left at
the end and too little for a parent goes to the one before. A level with at most ``num_children`` nodes has no parents:
they are the roots.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


def levels(hashes: NDArray[np.uint64], num_children: int) -> list[NDArray[np.int64]]:
    """Return the levels above the leaves, the lowest first: for each parent, the place behind its last child.

    Args:
        hashes: A hash of each leaf, in their order.
        num_children: How many children a parent has on average, from 2 up.
    """
    made: list[NDArray[np.int64]] = []
    while len(hashes) > num_children:
        ends = _ends(_mixed(hashes, len(made) + 1), num_children)
        made.append(ends)
        hashes = hashes[ends - 1]  # a parent is known by its last leaf
    return made


def _ends(hashes: NDArray[np.uint64], num_children: int) -> NDArray[np.int64]:
    least = max(2, -(-num_children // 2))
    most = 2 * num_children
    one_in = np.uint64(max(2, num_children - least + 1))
    candidates: list[int] = np.flatnonzero(hashes % one_in == 0).tolist()
    count = len(hashes)
    ends: list[int] = []
    start = 0
    while count - start >= least:
        at = bisect_left(candidates, start + least - 1)
        last = min(start + most - 1, count - 1, candidates[at] if at < len(candidates) else count)
        start = last + 1
        ends.append(start)
    ends[-1] = count
    return np.array(ends, np.int64)


def _mixed(hashes: NDArray[np.uint64], level: int) -> NDArray[np.uint64]:
    """Return hashes that are as good as independent of those at other levels (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = hashes + np.uint64(level) * _GOLDEN
        mixed = (mixed ^ (mixed >> _30)) * _MIX_1
        mixed = (mixed ^ (mixed >> _27)) * _MIX_2
        result: NDArray[np.uint64] = mixed ^ (mixed >> _31)
    return result
