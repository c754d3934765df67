"""The map that an adapter is: ridge regression of the way from a query to what answers it.

With ``x`` the direction of a query's vector and ``t`` that of the mean of the vectors that are relevant for it, ``W``
minimises ``sum |t - (x + x W)|² + strength · |W|²`` over the judged queries; a query is then moved to ``x + x W``. The
minimum has a closed form, ``W = Xᵀ (X Xᵀ + strength)⁻¹ (T - X)`` (Hoerl and Kennard, Technometrics 12, 1970). The less
a query has in common with those that were learned from, the less it is moved. Of the way, only a share may be gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieverkit_indexing.forks import no_fork

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VANISHED = 1e-6


@dataclass(frozen=True, slots=True)
class QueryMap:
    """Moves the vectors of queries.

    Attributes:
        reads: What is read from a query's direction, shape ``(rank, dimension)``; None for its numbers as they are.
        adds: What each number that was read adds to it, shape ``(rank, dimension)``.
    """

    reads: NDArray[np.float32] | None
    adds: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        return int(self.adds.shape[1])

    def __call__(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``vector`` moved, and as long as it was.

        A vector that would vanish stays where it is.

        Args:
            vector: A query's vector, not zero, shape ``(dimension,)``.
        """
        exact = vector.astype(np.float64)
        length = np.sqrt(np.vecdot(exact, exact))
        exact /= length
        read = exact if self.reads is None else np.vecdot(self.reads.astype(np.float64), exact)
        moved = exact + np.einsum("i,ij->j", read, self.adds.astype(np.float64))  # not by threads, as np.dot may
        moved_length = np.sqrt(np.vecdot(moved, moved))
        if not moved_length > _VANISHED:
            return vector
        adapted: NDArray[np.float32] = (moved * (length / moved_length)).astype(np.float32)
        return adapted


def fitted_map(
    queries: NDArray[np.float32], targets: NDArray[np.float32], strength: float, share: float = 1.0
) -> QueryMap:
    """Return the map that moves queries toward their targets.

    Args:
        queries: The vectors of the queries, none of them zero, shape ``(count, dimension)``.
        targets: Where each should be, none of them zero, in the same shape.
        strength: What moving costs, above 0: the more, the less queries are moved.
        share: How much of the way is gone.
    """
    starts, ends = directions(queries), directions(targets)
    count, dimension = starts.shape
    with no_fork:
        if count <= dimension:
            solved = np.linalg.solve(starts @ starts.T + strength * np.eye(count), ends - starts)
            return QueryMap(starts.astype(np.float32), (share * solved).astype(np.float32))
        products = starts.T @ starts + strength * np.eye(dimension)
        solved = np.linalg.solve(products, starts.T @ (ends - starts))
        return QueryMap(None, (share * solved).astype(np.float32))


def directions(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return each row scaled to length 1; what is 0 stays so."""
    wide = vectors.astype(np.float64)
    lengths = np.sqrt(np.vecdot(wide, wide))[:, None]
    scaled: NDArray[np.float64] = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return scaled


def mean_direction(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean of the directions of the rows; 0 where there is none, or they cancel each other."""
    rows = directions(vectors)
    known = rows[rows.any(axis=1)]
    mean: NDArray[np.float64] = known.mean(axis=0) if len(known) else np.zeros(vectors.shape[1])
    return mean if np.vecdot(mean, mean) > _VANISHED**2 else np.zeros_like(mean)
