"""How sure a mean and a difference are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 9_999
_POWER = 0.8
_NOTHING = 1e-9
_PLACES = 12
_BATCH = 5_000_000
"""How many numbers are drawn at once; more only cost memory."""


def interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """Return the 95 % percentile-bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: One value per query.
        seed: The seed of the resampling.

    Returns:
        The lower and the upper end, or None for a single value.
    """
    from numpy.random import default_rng
    from scipy.stats import bootstrap

    if len(values) < 2:
        return None
    found = bootstrap(
        (values,),
        _mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=_batch(values),
        vectorized=True,
        rng=default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def p_value(differences: Sequence[float], seed: int) -> float:
    """Return the two-sided p-value of a mean difference by Fisher's paired randomisation test.

    If two systems were alike, the sign of each query's difference would be chance. The share of sign patterns with a
    mean at least as far out is the p-value: of all patterns where there are few, else of `RESAMPLES` random ones and
    the real one. It asks for no normal distribution (Smucker, Allan and Carterette, CIKM 2007).

    Args:
        differences: The difference of two systems, one per query.
        seed: The seed of the random patterns.
    """
    from numpy.random import default_rng
    from scipy.stats import permutation_test

    if len(differences) < 2:
        return 1.0  # one sign is always chance
    return float(
        permutation_test(
            (differences,),
            _comparable_mean,
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=_batch(differences),
            rng=default_rng(seed),
        ).pvalue
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number by Holm's step-down method (Scandinavian Journal of Statistics 1979).

    Args:
        p_values: The p-values of all tests that are looked at together.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for done, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - done) * p_values[at]))
        corrected[at] = largest
    return corrected


def queries_needed(differences: Sequence[float], tests: int) -> int | None:
    """Return about how many queries would show a difference as large as that of these, in 80 of 100 cases.

    The number of pairs that a paired t-test needs, by the normal distribution: ((z(1 - 0.05 / 2m) + z(0.8)) s / d)²
    for a mean difference d with deviation s and m tests (Sakai, Information Retrieval Journal 2016). It is a guess: d
    and s are those of few queries.

    Args:
        differences: The difference of two systems, one per query.
        tests: How many tests are looked at together.

    Returns:
        More than there are, or None where there is no difference to be shown.
    """
    from math import ceil, log2

    from scipy.stats import norm

    count = len(differences)
    mean = sum(differences) / count
    if abs(mean) < _NOTHING:
        return None
    variance = sum((each - mean) ** 2 for each in differences) / max(count - 1, 1)
    z = float(norm.ppf(1 - (1 - CONFIDENCE) / (2 * tests)) + norm.ppf(_POWER))
    fewest = ceil(1 - log2((1 - CONFIDENCE) / tests))  # as fewer signs are chance too often
    return max(ceil(z**2 * variance / mean**2), fewest, count + 1)


def _mean(values: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    return values.mean(axis=axis)  # type: ignore[no-any-return]


def _comparable_mean(values: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    """Return means to so many places that two which differ by rounding alone, such as 0 and 1e-17, are equal."""
    return _mean(values, axis).round(_PLACES)


def _batch(values: Sequence[float]) -> int:
    return max(1, _BATCH // len(values))
