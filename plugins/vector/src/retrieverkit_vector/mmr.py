"""Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrieverkit_core.explain import How, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Chosen(NamedTuple):
    """A candidate that was chosen.

    Attributes:
        place: Its place among the candidates.
        value: What it was worth.
        likeness: Its likeness to those chosen before.
    """

    place: int
    value: float
    likeness: float


def diversified(
    vectors: NDArray[np.float32], relevance: NDArray[np.float64], weight: float, wanted: int
) -> list[Chosen]:
    """Choose one by one the candidate with the most of ``weight · relevance - (1 - weight) · likeness``.

    Likeness is the largest cosine to any candidate chosen before, and -1 for the first. So the value never rises from
    one choice to the next, and can serve as a score.

    Args:
        vectors: The candidates' vectors, best first, shape ``(n, d)``, none of them zero.
        relevance: Their cosines with the query.
        weight: From 0 to 1.
        wanted: How many to choose.

    Returns:
        The chosen ones in the order of choice; of equal values the better candidate's comes first.
    """
    units = vectors.astype(np.float64)
    units /= np.sqrt((units * units).sum(axis=1, keepdims=True))
    likeness = np.full(len(units), -1.0)
    chosen: list[Chosen] = []
    last = 1.0
    for _ in range(min(wanted, len(units))):
        values = weight * relevance - (1 - weight) * likeness
        values[[each.place for each in chosen]] = -np.inf
        place = int(values.argmax())
        last = max(-1.0, min(last, float(values[place])))
        chosen.append(Chosen(place, last, float(likeness[place])))
        np.maximum(likeness, (units * units[place]).sum(axis=1), out=likeness)
    return chosen


def value_told(chosen: Chosen, relevance: float, weight: float) -> Score:
    """Return what the value of a chosen candidate was made from."""
    parts = (("relevance", relevance, weight), ("likeness", chosen.likeness, weight - 1.0))
    terms = tuple(
        Score(f"{name} counts", number * share, How.PRODUCT, (Score(name, number), Score("weight", share)))
        for name, number, share in parts
    )
    value = Score("mmr", chosen.value, How.SUM, terms)
    return value if value.recombines else Score("mmr", chosen.value, parts=terms)
