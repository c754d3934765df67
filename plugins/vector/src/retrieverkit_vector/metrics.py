"""Nearness, twice: fast and nearly right for every vector, then exact for the few that may be among the best.

Fast is a float32 matrix product, whose last digits depend on how the engine divides its work. Exact is float64, row by
row: equal vectors get equal scores, whatever stands beside them, and a query in a batch gets those it gets alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_vector.plugin import MetricName

_BLOCK = 4096


class Target:
    """What is searched for.

    Args:
        vector: The query's vector, not zero.
        metric: What nearness is.

    Attributes:
        vector: The query's vector.
        metric: What nearness is.
        length: The length of the vector.
        direction: The vector, scaled to length 1.
        roundoff: How far a float32 product of `direction` with a vector of length 1 may be from the truth.
    """

    def __init__(self, vector: NDArray[np.float32], metric: MetricName) -> None:
        self.vector = vector
        self.metric = metric
        self._exact = vector.astype(np.float64)
        self.length = float(np.sqrt((self._exact * self._exact).sum()))
        self.direction: NDArray[np.float32] = (self._exact / self.length).astype(np.float32)
        self.roundoff = (len(vector) + 8) * 2.0**-23

    def nearness(self, products: NDArray[np.float32], lengths: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return what is larger for nearer vectors.

        Args:
            products: Each vector times `direction`.
            lengths: Each vector's length.
        """
        if self.metric == "cosine":
            return products / lengths
        if self.metric == "dot":
            return products
        return 2 * self.length * products.astype(np.float64) - np.square(lengths, dtype=np.float64)

    def tolerance(self, lengths: NDArray[np.float32]) -> NDArray[np.floating] | float:
        """Return how far `nearness` may be from the truth (the error bound of a float32 inner product)."""
        if self.metric == "cosine":
            return self.roundoff
        if self.metric == "dot":
            return np.float32(self.roundoff) * lengths
        wide = lengths.astype(np.float64)
        return self.roundoff * wide * (2 * self.length + wide)

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the exact score of each vector."""
        parts = [self._scores(vectors[at : at + _BLOCK]) for at in range(0, len(vectors), _BLOCK)]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])

    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        wide = vectors.astype(np.float64)
        if self.metric == "l2":
            wide -= self._exact
            distances: NDArray[np.float64] = np.sqrt(np.vecdot(wide, wide))
            return distances
        products: NDArray[np.float64] = np.vecdot(wide, self._exact)
        if self.metric == "dot":
            return products
        return self._cosines(wide, products)

    def cosines(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the exact cosine of each vector, whatever the metric."""
        wide = vectors.astype(np.float64)
        return self._cosines(wide, np.vecdot(wide, self._exact))

    def _cosines(self, wide: NDArray[np.float64], products: NDArray[np.float64]) -> NDArray[np.float64]:
        lengths = np.sqrt(np.vecdot(wide, wide))
        cosines: NDArray[np.float64] = np.clip(products / (lengths * self.length), -1.0, 1.0)
        return cosines

    def order(self, scores: NDArray[np.float64], ordinals: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the places of the scores, best first; equal ones by ascending ordinal."""
        return np.lexsort((ordinals, scores if self.metric == "l2" else -scores))


def contenders(
    nearness: NDArray[np.floating], tolerance: NDArray[np.floating] | float, wanted: int
) -> NDArray[np.intp]:
    """Return the places of all that may be among the ``wanted`` nearest, in no order."""
    if wanted >= len(nearness):
        return np.arange(len(nearness))
    place = len(nearness) - wanted
    if isinstance(tolerance, float):
        floor = np.partition(nearness, place)[place]
        return np.flatnonzero(nearness >= np.nextafter(floor - np.float32(2 * tolerance), np.float32(-np.inf)))
    floor = np.partition(nearness - tolerance, place)[place]
    return np.flatnonzero(nearness + tolerance >= floor)
