"""The order of hits with equal scores."""

from __future__ import annotations

from collections.abc import Callable

Hits = list[tuple[int, float]]
"""Ordinals and scores."""


def best(search: Callable[[int], Hits], wanted: int, available: int) -> Hits:
    """Return the best hits; those with equal scores by ascending ordinal, also where the cut falls among them.

    Args:
        search: Returns that many hits, highest score first, equal scores in any order.
        wanted: How many hits to return at most.
        available: How many there can be.
    """
    limit = min(wanted + 1, available)
    while True:
        hits = search(limit)
        if len(hits) <= wanted or limit >= available or hits[wanted - 1][1] != hits[-1][1]:
            return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:wanted]
        limit = min(limit * 4, available)
