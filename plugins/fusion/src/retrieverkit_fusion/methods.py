"""The fusion methods: how each normalises weights, values a list and joins what a node got from several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from math import fsum, inf
from sys import float_info
from typing import ClassVar, Literal

from retrieverkit_core.errors import ScoreMismatchError
from retrieverkit_core.explain import How, Score
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_fusion.formulas import Scores, min_max, reciprocal_ranks, three_sigma, weighted

MethodName = Literal["rrf", "relative_score", "dist_based_score", "simple"]
NormalizerName = Literal["minmax", "dist_based", "none"]

RELEVANCE = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0)
RELEVANCE_TO_ONE = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0, upper_bound=1.0)
DEFAULT_RRF_K = 60


class Method(ABC):
    """A way to make one score of several lists' worth. More is better throughout; `shown` turns it back."""

    @abstractmethod
    def scores(self, legs: Mapping[str, ScoreSpec]) -> ScoreSpec:
        """Return what the fused scores mean.

        Args:
            legs: What each leg's scores mean, by its name.

        Raises:
            ScoreMismatchError: The method cannot join such scores.
        """

    @abstractmethod
    def shares(self, weights: Sequence[float]) -> list[float]:
        """Return positive weights on the method's own scale; equal ones give what no weights give."""

    def divided(self, shares: Sequence[float]) -> list[float]:
        """Return the shares where the caller's query and those generated for it are asked: as much for each side."""
        return list(shares)

    @abstractmethod
    def values(self, scores: Scores, higher_is_better: bool, share: float) -> Sequence[float | None]:
        """Return what each place of a list, best first, adds to its node; None adds nothing."""

    @abstractmethod
    def join(self, values: list[float]) -> float:
        """Return the worth of a node from what each list that scored it added, in any order; of one, that one."""

    def shown(self, worth: float) -> float:
        """Return the fused score of a worth."""
        return worth

    @abstractmethod
    def part(self, leg: str, scores: Scores, higher_is_better: bool, share: float, row: int) -> Score:
        """Return what a place of a list adds to its node, as in `values`, and what that was made from.

        Args:
            leg: The list's name.
            scores: As in `values`.
            higher_is_better: As in `values`.
            share: As in `values`.
            row: The place.
        """

    def joined(self, name: str, value: float | None, parts: Sequence[Score]) -> Score:
        """Return a fused score with its parts, as in `join` and `shown`."""
        return Score(name, value, How.SUM, tuple(parts)) if parts else Score(name, value)


class ReciprocalRank(Method):
    """Sum of weight / (k + rank); scores do not count. The weights' mean is 1."""

    def __init__(self, k: int) -> None:
        self._k = k

    def scores(self, legs: Mapping[str, ScoreSpec]) -> ScoreSpec:
        """Return relevance: any legs mix, as only ranks count."""
        return RELEVANCE

    def shares(self, weights: Sequence[float]) -> list[float]:
        """Return the weights with a mean of 1."""
        scaled = _scaled(weights)
        return [weight * len(scaled) / fsum(scaled) for weight in scaled]

    def values(self, scores: Scores, higher_is_better: bool, share: float) -> Sequence[float | None]:
        """Return ``share / (k + rank)`` by rank."""
        return [share * value for value in reciprocal_ranks(len(scores), self._k)]

    def join(self, values: list[float]) -> float:
        """Return the sum, the same in any order."""
        return fsum(values)

    def part(self, leg: str, scores: Scores, higher_is_better: bool, share: float, row: int) -> Score:
        """Return the weight times what the rank is worth."""
        worth = reciprocal_ranks(len(scores), self._k)[row]
        made_of = (Score("rank", float(row + 1)), Score(leg, scores[row], leg=leg))
        parts = (Score("weight", share), Score(f"1 / ({self._k} + rank)", worth, parts=made_of))
        return Score(f"{leg} adds", share * worth, How.PRODUCT, parts)


class RelativeScore(Method):
    """Weighted sum of scores that are normalised list by list. The weights' sum is 1."""

    name: ClassVar[MethodName] = "relative_score"
    by: NormalizerName = "minmax"

    def __init__(self, by: NormalizerName | None = None) -> None:
        self.by = by or self.by
        self._told = "normalised" if by is None else f"normalised by {by}"

    def scores(self, legs: Mapping[str, ScoreSpec]) -> ScoreSpec:
        """Return relevance from 0 to 1; refuses legs whose scores mean nothing."""
        _refuse_unscored(self.name, legs)
        return RELEVANCE_TO_ONE

    def shares(self, weights: Sequence[float]) -> list[float]:
        """Return the weights with a sum of 1."""
        scaled = _scaled(weights)
        return [weight / fsum(scaled) for weight in scaled]

    def divided(self, shares: Sequence[float]) -> list[float]:
        """Return half the shares, so that those of both sides have a sum of 1."""
        return [share / 2 for share in shares]

    def values(self, scores: Scores, higher_is_better: bool, share: float) -> Sequence[float | None]:
        """Return ``share`` times the normalised scores."""
        return [None if x is None else share * x for x in self.normalised(scores, higher_is_better)]

    def join(self, values: list[float]) -> float:
        """Return the sum, the same in any order, without the last bit that rounding may add above 1."""
        total = fsum(values)
        return total if total < 1.0 else 1.0

    def part(self, leg: str, scores: Scores, higher_is_better: bool, share: float, row: int) -> Score:
        """Return the weight times the normalised score."""
        worth = self.normalised(scores, higher_is_better)[row]
        assert worth is not None
        raw = Score(leg, scores[row], leg=leg)
        parts = (Score("weight", share), Score(self._told, worth, parts=(raw,)))
        return Score(f"{leg} adds", share * worth, How.PRODUCT, parts)

    def joined(self, name: str, value: float | None, parts: Sequence[Score]) -> Score:
        """Return the sum; where rounding adds a last bit above 1, the lesser of it and 1."""
        whole = super().joined(name, value, parts)
        return (
            whole if whole.recombined() == value else Score(name, value, How.MIN, (_summed(parts), Score("most", 1.0)))
        )

    def normalised(self, scores: Scores, higher_is_better: bool) -> Sequence[float | None]:
        """Return a leg's scores as numbers from 0 to 1."""
        return NORMALIZERS[self.by](scores, higher_is_better)


class DistributionBased(RelativeScore):
    """As `RelativeScore`, with mean and standard deviation in place of least and most."""

    name = "dist_based_score"
    by = "dist_based"


class BestScore(Method):
    """The best of a node's raw scores, each weighted. The largest weight is 1.

    CombMAX: Fox and Shaw, "Combination of multiple searches", TREC-2, 1994.
    """

    _higher_is_better = True

    def scores(self, legs: Mapping[str, ScoreSpec]) -> ScoreSpec:
        """Return the legs' own kind; refuses legs of several kinds or directions."""
        _refuse_unscored("simple", legs)
        specs = list(legs.values())
        first = specs[0]
        if any((spec.kind, spec.higher_is_better) != (first.kind, first.higher_is_better) for spec in specs):
            told = ", ".join(f"{name}: {_described(spec)}" for name, spec in legs.items())
            raise ScoreMismatchError(
                f"method='simple' compares raw scores, and these do not mix ({told})",
                fix='write method="rrf" to fuse by ranks, or method="relative_score" to normalise the scores first',
            )
        self._higher_is_better = first.higher_is_better
        lower, upper = min(spec.lower_bound for spec in specs), max(spec.upper_bound for spec in specs)
        if first.higher_is_better:  # weights below 1 move scores towards the worse end, past 0 never
            lower = -inf if lower < 0.0 else 0.0
        else:
            upper = inf if upper > 0.0 else 0.0
        return ScoreSpec(first.kind, first.higher_is_better, lower, upper)

    def shares(self, weights: Sequence[float]) -> list[float]:
        """Return the weights with a largest of 1."""
        return _scaled(weights)

    def values(self, scores: Scores, higher_is_better: bool, share: float) -> Sequence[float | None]:
        """Return the weighted raw scores, the sign of distances turned."""
        sign = 1.0 if higher_is_better else -1.0
        return [None if score is None else weighted(sign * score, share) for score in scores]

    def join(self, values: list[float]) -> float:
        """Return the best."""
        return max(values)

    def shown(self, worth: float) -> float:
        """Return the worth with the sign of the legs' scores."""
        return worth if self._higher_is_better else 0.0 - worth

    def part(self, leg: str, scores: Scores, higher_is_better: bool, share: float, row: int) -> Score:
        """Return the raw score times its weight, or by its weight where to multiply would make it better."""
        sign, raw = (1.0 if higher_is_better else -1.0), scores[row]
        assert raw is not None
        how = How.PRODUCT if sign * raw >= 0.0 else How.QUOTIENT
        value = 0.0 + sign * weighted(sign * raw, share)
        part = Score(f"{leg} counts", value, how, (Score(leg, raw, leg=leg), Score("weight", share)))
        return part if part.recombined() == value else Score(part.name, value, parts=part.parts)

    def joined(self, name: str, value: float | None, parts: Sequence[Score]) -> Score:
        """Return the best of the parts."""
        how = How.MAX if self._higher_is_better else How.MIN
        return Score(name, value, how, tuple(parts)) if parts else Score(name, value)


NORMALIZERS: dict[NormalizerName, Callable[[Scores, bool], Sequence[float | None]]] = {
    "minmax": min_max,
    "dist_based": three_sigma,
    "none": lambda scores, higher_is_better: scores,
}
"""What can make a leg's scores comparable with those of others."""

METHODS: dict[MethodName, type[Method]] = {
    "relative_score": RelativeScore,
    "dist_based_score": DistributionBased,
    "simple": BestScore,
}
"""The methods that take no setting of their own."""


def method_named(name: MethodName, rrf_k: int | None) -> Method:
    """Return the method of that name; ``rrf_k`` is for ``"rrf"`` alone."""
    if name == "rrf":
        return ReciprocalRank(DEFAULT_RRF_K if rrf_k is None else rrf_k)
    return METHODS[name]()


def refuse_unbounded(legs: Mapping[str, ScoreSpec]) -> None:
    """Refuse legs whose scores cannot be taken as they are.

    Raises:
        ScoreMismatchError: A leg does not declare that its scores are from 0 to 1, 1 the best.
    """
    for name, spec in legs.items():
        if not (spec.higher_is_better and spec.lower_bound >= 0.0 and spec.upper_bound <= 1.0):
            raise ScoreMismatchError(
                f"normalizer 'none' takes scores as they are, and those of {name} ({_described(spec)}) are not declared"
                " to be from 0 to 1",
                fix=f'write "minmax" for {name}',
            )


def _summed(parts: Sequence[Score]) -> Score:
    return Score("sum", fsum(part.value for part in parts if part.value is not None), How.SUM, tuple(parts))


def _scaled(weights: Sequence[float]) -> list[float]:
    """Return the weights with a largest of 1, none so small that it could not be divided by."""
    largest = max(weights)
    return [max(weight / largest, float_info.min) for weight in weights]


def _refuse_unscored(method: str, legs: Mapping[str, ScoreSpec]) -> None:
    unscored = [name for name, spec in legs.items() if not spec.ordered]
    if unscored:
        raise ScoreMismatchError(
            f"method={method!r} joins scores, and {' and '.join(unscored)} declares none",
            fix='write method="rrf" to fuse by ranks, or declare the leg\'s `scores`',
        )


def _described(spec: ScoreSpec) -> str:
    return f"{spec.kind.value}, {'higher' if spec.higher_is_better else 'lower'} is better"
