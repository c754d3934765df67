"""What is allowed and seldom meant: said when a fusion is built, in the notes of each of its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieverkit_core.spec import RetrieverSpec
    from retrieverkit_fusion.legs import Leg


def doubts(legs: Sequence[Leg], top_k: int) -> Iterator[str]:
    """Yield what is doubtful about legs, each with what to do.

    Args:
        legs: The legs.
        top_k: How many hits a query gets that does not say.
    """
    for at, leg in enumerate(legs):
        if leg.weight == 0:
            yield f"leg {leg.name} has the weight 0 and is not asked: leave it out, or give it a weight"
        limit = leg.retriever.default_top_k
        if leg.weight and leg.candidates is None and limit is not None and limit < top_k:
            yield (
                f"leg {leg.name} gives {limit} hits at most, and {top_k} are returned: raise its top_k, or leave it out"
                " and set candidates"
            )
        if any(leg.retriever is other.retriever for other in legs[:at]):
            yield _twice(leg.name)


def repeated(specs: Sequence[RetrieverSpec]) -> Iterator[str]:
    """Yield which legs are written twice."""
    for written, count in Counter(map(str, specs)).items():
        if count > 1:
            yield _twice(written)


def _twice(name: str) -> str:
    return f"leg {name} is there twice and finds the same: leave one out, and give the other its weight"
