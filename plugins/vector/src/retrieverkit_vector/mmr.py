"""Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def diversified(
    vectors: NDArray[np.float32], relevance: NDArray[np.float64], weight: float, wanted: int
) -> list[tuple[int, float]]:
    """Choose one by one the candidate with the most of ``weight · relevance - (1 - weight) · likeness``.

    Likeness is the largest cosine to any candidate chosen before, and -1 for the first. So the value never rises from
    one choice to the next, and can serve as a score.

    Args:
        vectors: The candidates' vectors, best first, shape ``(n, d)``, none of them zero.
        relevance: Their cosines with the query.
        weight: From 0 to 1.
        wanted: How many to choose.

    Returns:
        The places of the chosen ones and their values, in the order of choice; of equal values the better
        candidate's comes first.
    """
    units = vectors.astype(np.float64)
    units /= np.sqrt((units * units).sum(axis=1, keepdims=True))
    likeness = np.full(len(units), -1.0)
    chosen: list[tuple[int, float]] = []
    last = 1.0
    for _ in range(min(wanted, len(units))):
        values = weight * relevance - (1 - weight) * likeness
        values[[place for place, _ in chosen]] = -np.inf
        place = int(values.argmax())
        last = max(-1.0, min(last, float(values[place])))
        chosen.append((place, last))
        np.maximum(likeness, (units * units[place]).sum(axis=1), out=likeness)
    return chosen
