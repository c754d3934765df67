"""How sure a mean and a difference are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 9_999
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
            _mean,
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


def _mean(values: NDArray[np.floating], axis: int) -> NDArray[np.floating]:
    return values.mean(axis=axis)  # type: ignore[no-any-return]


def _batch(values: Sequence[float]) -> int:
    return max(1, _BATCH // len(values))
