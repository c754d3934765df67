"""The rows of an index: all segments behind each other, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieverkit_vector.segments import Segment

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Rows:
    """Vectors by row.

    Args:
        segments: The segments.
        dimension: The length of each vector.
        removed: Ordinals of nodes that no longer count.

    Attributes:
        dimension: The length of each vector.
        ordinals: The ordinal of each row's node, ascending.
        lengths: The length of each row's vector.
        alive: Whether each row counts; None where every row does.
        count: How many rows count.
    """

    def __init__(self, segments: Sequence[Segment], dimension: int, removed: NDArray[np.int64]) -> None:
        self._segments = segments
        self.dimension = dimension
        self._starts = np.cumsum([0, *map(len, segments)])
        self.ordinals: NDArray[np.int64] = _joined([s.ordinals for s in segments], np.int64)
        self.lengths: NDArray[np.float32] = _joined([s.lengths for s in segments], np.float32)
        self.alive = alive(self.ordinals, removed) if len(removed) else None
        self.count = len(self) if self.alive is None else int(self.alive.sum())

    def __len__(self) -> int:
        return int(self._starts[-1])

    def segments(self) -> Iterator[tuple[int, Segment]]:
        """Yield each segment with its first row."""
        return zip(self._starts.tolist(), self._segments, strict=False)

    def blocks(self, start: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield each stretch of vectors in one piece from row ``start`` on, with its first row."""
        for first, segment in zip(self._starts.tolist(), self._segments, strict=False):
            skipped = max(0, start - first)
            if skipped < len(segment):
                yield first + skipped, segment.vectors[skipped:]

    def vectors(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the vectors of ``rows``, in that order."""
        if len(self._segments) == 1:
            taken: NDArray[np.float32] = self._segments[0].vectors[rows]
            return taken
        found = np.empty((len(rows), self.dimension), np.float32)
        of = np.searchsorted(self._starts, rows, side="right") - 1
        for number, segment in enumerate(self._segments):
            here = np.flatnonzero(of == number)
            if len(here):
                found[here] = segment.vectors[rows[here] - self._starts[number]]
        return found


def alive(ordinals: NDArray[np.int64], removed: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of ``ordinals``, ascending, are not in ``removed``."""
    marks = np.ones(len(ordinals) + 1, bool)
    marks[places_of(removed, ordinals)] = False
    return marks[:-1]


def places_of(ordinals: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each ordinal is in ``known``, ascending; the place behind the last where it is not."""
    places = np.searchsorted(known, ordinals)
    if len(known):
        places[known.take(places, mode="clip") != ordinals] = len(known)
    return places


def _joined(arrays: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, dtype), *arrays])
