"""Answering filter trees from the segments of one generation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.filters import FilterCondition, MetadataFilter, MetadataFilters
from retrieverkit_indexing.metadata._segment import Segment

_REMEMBERED_TREES = 64
_REMEMBERED_BYTES = 32 << 20


class MetadataReader:
    """One state of the index, unmoved by later ones. Safe to share between threads.

    Args:
        segments: The segments; their nodes' ordinals ascend throughout.
        removed: The ordinals of nodes in them that are gone.

    Attributes:
        segments: The segments.
        ordinals: The ordinal of each row, ascending; rows of nodes that are gone are among them.
    """

    def __init__(self, segments: Sequence[Segment], removed: NDArray[np.int64]) -> None:
        self.segments = segments
        self.ordinals: NDArray[np.int64] = np.concatenate(
            [np.empty(0, np.int64), *(segment.ordinals for segment in segments)]
        )
        self._alive = np.ones(len(self.ordinals), bool)
        self._alive[np.searchsorted(self.ordinals, removed)] = False
        self._answers: OrderedDict[MetadataFilters, NDArray[np.bool_]] = OrderedDict()
        self._most = max(2, min(_REMEMBERED_TREES, _REMEMBERED_BYTES // (len(self.ordinals) + 1)))
        self._lock = threading.Lock()

    def allowed(self, tree: MetadataFilters) -> NDArray[np.bool_]:
        """Return for each row whether its node is there and passes ``tree``. The array is shared: do not write to it.

        Args:
            tree: Any filters, with the scope already in it.
        """
        with self._lock:
            known = self._answers.get(tree)
            if known is not None:
                self._answers.move_to_end(tree)
                return known
        found: NDArray[np.bool_] = self._alive & np.concatenate(
            [np.empty(0, bool), *(_matching(segment, tree) for segment in self.segments)]
        )
        found.flags.writeable = False
        with self._lock:
            self._answers[tree] = found
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return found

    def ordinals_of(self, tree: MetadataFilters) -> NDArray[np.int64]:
        """Return the ordinals of the nodes that pass ``tree``, ascending."""
        return self.ordinals[self.allowed(tree)]


def _matching(segment: Segment, tree: MetadataFilters) -> NDArray[np.bool_]:
    every = tree.condition is FilterCondition.AND
    found = np.full(len(segment), every)
    for child in tree.filters:
        part = segment.matching(child) if isinstance(child, MetadataFilter) else _matching(segment, child)
        if every:
            found &= part
        else:
            found |= part
    return ~found if tree.condition is FilterCondition.NOT else found
