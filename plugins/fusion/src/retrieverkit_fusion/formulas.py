"""What a place in a leg's list is worth, before weights. Pure functions over one leg's list, best first.

A score of None stays None: the leg found the node and says nothing of how good it is. None is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, isinf, sqrt

EQUAL = 1e-6
"""Scores that differ by no more than this part of the largest are equal: what tells them apart is rounding."""

MAX_FLOAT = 1.7976931348623157e308

Scores = Sequence[float | None]


def reciprocal_ranks(count: int, k: int) -> list[float]:
    """Return ``1 / (k + rank)`` for each rank from 1 to ``count``.

    Reciprocal rank fusion sums these over the lists: Cormack, Clarke and Buettcher, "Reciprocal rank fusion
    outperforms Condorcet and individual rank learning methods", SIGIR 2009, with k = 60.

    Args:
        count: The length of the list.
        k: How little the first ranks stand out.
    """
    return [1.0 / (k + rank) for rank in range(1, count + 1)]


def min_max(scores: Scores, higher_is_better: bool = True) -> list[float | None]:
    """Return the scores mapped onto 0 (the list's worst) to 1 (its best).

    Min-max normalisation: Lee, "Analyses of multiple evidence combination", SIGIR 1997. Scores that are all equal
    (within `EQUAL`), a single one too, are each 1.0: the leg found them and none is worse than its best.

    Args:
        scores: Finite scores or None, of any sign and size.
        higher_is_better: False for distances, whose smallest becomes 1.
    """
    known = [score for score in scores if score is not None]
    if not known:
        return [None] * len(scores)
    worst, best = (min(known), max(known)) if higher_is_better else (max(known), min(known))
    if abs(best - worst) <= EQUAL * max(abs(best), abs(worst)):
        return [None if score is None else 1.0 for score in scores]
    if isinf(best - worst):  # only for numbers near the largest that there are
        return min_max([None if score is None else score / 4 for score in scores], higher_is_better)
    span = best - worst
    return [None if score is None else (score - worst) / span for score in scores]


def three_sigma(scores: Scores, higher_is_better: bool = True) -> list[float | None]:
    """Return the scores mapped so that mean - 3 sd is 0 and mean + 3 sd is 1, cut off to [0, 1].

    Distribution-based score fusion: Mazzeschi, 2023. Mean and population standard deviation are those of the list.
    Scores that are all equal, a single one too, are each 1.0, as in `min_max`.

    Args:
        scores: Finite scores or None, of any sign and size.
        higher_is_better: False for distances.
    """
    scaled = min_max(scores, higher_is_better)  # changes nothing but the scale, and cannot overflow below
    known = [value for value in scaled if value is not None]
    if not known or min(known) == max(known):
        return scaled
    mean = fsum(known) / len(known)
    reach = 3.0 * sqrt(fsum((value - mean) ** 2 for value in known) / len(known))
    return [None if x is None else min(1.0, max(0.0, (x - mean + reach) / (2.0 * reach))) for x in scaled]


def weighted(score: float, weight: float) -> float:
    """Return a raw score that counts ``weight``, 0 < weight <= 1, so that less weight is never better.

    A score from 0 up is multiplied; one below 0 is divided, for multiplying would lift it.

    Args:
        score: A finite score of which more is better.
        weight: The leg's weight, 1 for the heaviest leg.
    """
    return score * weight if score >= 0.0 else max(score / weight, -MAX_FLOAT)
