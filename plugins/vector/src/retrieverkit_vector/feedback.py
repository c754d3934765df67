"""Moving a query toward what it has found: Rocchio's relevance feedback without the irrelevant.

J. J. Rocchio, "Relevance feedback in information retrieval", in The SMART Retrieval System (1971).
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def toward_mean(query: NDArray[np.float32], vectors: NDArray[np.float32], weight: float) -> tuple[float, ...] | None:
    """Return the query's direction plus ``weight`` times the mean direction of ``vectors``, as long as the query.

    Args:
        query: Not zero.
        vectors: One a row, none of them zero.
        weight: What their mean counts.

    Returns:
        The new vector, or None where the two cancel each other.
    """
    exact, others = query.astype(np.float64), vectors.astype(np.float64)
    length = sqrt(exact @ exact)
    others /= np.sqrt(np.vecdot(others, others))[:, None]
    mixed = exact / length + (weight / len(others)) * others.sum(axis=0)
    mixed_length = sqrt(mixed @ mixed)
    if mixed_length <= 1e-6 * (1 + weight):
        return None
    return tuple((mixed * (length / mixed_length)).tolist())
