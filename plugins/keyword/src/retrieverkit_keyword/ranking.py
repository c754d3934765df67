"""From the nodes of each keyword to one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieverkit_keyword.options import RankBy
from retrieverkit_keyword.table import Ordinals, Posting

Sums = NDArray[np.float64]

_DIGITS = 9
"""Weights are summed to so many decimals: equal sums stay equal in whatever order they were added."""


class Ranked(NamedTuple):
    """Nodes with keywords of the query, best first.

    Attributes:
        ordinals: Their ordinals.
        scores: Their scores.
    """

    ordinals: Ordinals
    scores: Sums

    def first(self, most: int | None) -> Ranked:
        """Return the first ``most`` nodes."""
        return Ranked(self.ordinals[:most], self.scores[:most])


def weight(nodes: int, having: int) -> float:
    """Return the inverse document frequency of a keyword: ``ln(1 + (N - n + 0.5) / (n + 0.5))``.

    As in BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework*, 2009), with a 1 that keeps it above 0.

    Args:
        nodes: How many nodes there are, N.
        having: How many have the keyword, n.
    """
    return log(1 + (nodes - having + 0.5) / (having + 0.5))


def ranked(nodes: int, postings: Sequence[Posting], rank_by: RankBy, allowed: Ordinals | None) -> Ranked:
    """Return every node that has a keyword.

    By count, equal counts come by weight; whatever is still equal comes in the order of the corpus.

    Args:
        nodes: How many nodes there are.
        postings: The nodes of each keyword.
        rank_by: What the score is.
        allowed: The only nodes to return, ascending; None for all.
    """
    every, place = np.unique(
        np.concatenate([np.empty(0, np.int64), *(each.ordinals for each in postings)]), False, True
    )
    weights = [weight(nodes, len(each.ordinals)) for each in postings]
    repeated = np.repeat(weights, [len(each.ordinals) for each in postings])
    counts: Sums = np.bincount(place, minlength=len(every)).astype(np.float64)
    sums: Sums = np.bincount(place, repeated, len(every)).astype(np.float64).round(_DIGITS)
    if allowed is not None:
        kept = np.isin(every, allowed, assume_unique=True)
        every, counts, sums = every[kept], counts[kept], sums[kept]
    order = np.lexsort((every, -sums, -counts) if rank_by == "count" else (every, -sums))
    return Ranked(every[order], (counts if rank_by == "count" else sums)[order])
