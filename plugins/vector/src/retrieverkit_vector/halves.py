"""Exact search at half the reading: half-precision copies find the candidates, and a bound shows that none is missed.

A search over some ten thousand vectors takes as long as reading them does. Read in half precision it takes half of
that. How far a product with a half-precision direction may be from the true one is measured when the copies are made:
no product of two vectors, one of length 1, is larger than the length of the other, here the difference.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieverkit_vector.graph import is_installed
from retrieverkit_vector.side_by_side import each, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_vector.metrics import Target

FEWEST = 8192
"""Rows; for fewer it is not worth it."""
MOST_WANTED = 300

_AFTER = 4
_SURPLUS = 32
_CHUNK = 16_384


class Halves:
    """Half-precision copies of some vectors' directions. Safe to share between threads.

    They are made at the fourth search, so that a process with a single question does not pay for them.

    Args:
        vectors: The vectors, one per row, none of them zero.
        lengths: Their lengths.
    """

    def __init__(self, vectors: NDArray[np.float32], lengths: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._lengths = lengths
        self._left = _AFTER if len(vectors) >= FEWEST and is_installed() else 0
        self._guard = threading.Lock()
        self._faiss: Any = None
        self._indexes: list[tuple[int, Any]] = []
        self._error = 0.0

    def contenders(
        self, target: Target, wanted: int, counting: NDArray[np.bool_] | None = None, share: float = 1.0
    ) -> NDArray[np.int64] | None:
        """Return rows among which the ``wanted`` of the largest cosine certainly are, in no order.

        Args:
            target: What is searched for.
            wanted: How many are.
            counting: Which rows count; None for all.
            share: About what share of the rows that is.

        Returns:
            The rows, or None where that cannot be shown, or there are no copies.
        """
        asked = int(wanted / share) + max(_SURPLUS, wanted // 3)
        if wanted > MOST_WANTED or asked > len(self._vectors) or not self._ready():
            return None
        products, rows = self._nearest(target.direction, asked)
        if counting is not None:
            rows = rows[counting[rows]]
            if len(rows) < wanted:
                return None
        cosines = target.cosines(self._vectors[rows])
        certain = np.partition(cosines, -wanted)[-wanted]
        excluded = float(products.min()) + self._error + target.roundoff
        return rows[cosines >= certain] if certain > excluded else None

    def _nearest(self, direction: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the largest products with the copies, and whose they are, in no order."""

        def in_part(at: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            start, index = self._indexes[at]
            self._faiss.omp_set_num_threads(1)  # for this thread, see `graph`
            products, rows = index.search(direction.reshape(1, -1), min(count, index.ntotal))
            return products[0], rows[0] + start

        found = each(in_part, len(self._indexes))
        if len(found) == 1:
            return found[0]
        products, rows = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        largest = np.argpartition(products, -count)[-count:]
        return products[largest], rows[largest]

    def _ready(self) -> bool:
        if not self._indexes and self._left and self._guard.acquire(blocking=False):  # nobody waits for copies
            try:
                self._left -= 1
                if not self._left:
                    self._make()
            finally:
                self._guard.release()
        return bool(self._indexes)

    def _make(self) -> None:
        faiss: Any = import_module("faiss")
        faiss.omp_set_num_threads(1)
        indexes = [
            (part.start, self._copies(faiss, part)) for part in parts_of(len(self._vectors), 2 * self._vectors.shape[1])
        ]
        self._faiss, self._indexes = faiss, indexes

    def _copies(self, faiss: Any, part: slice) -> Any:
        """Return copies of some rows; `_error` grows to that of the worst of them."""
        index = faiss.IndexScalarQuantizer(
            self._vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.train(np.zeros((1, self._vectors.shape[1]), np.float32))
        for at in range(part.start, part.stop, _CHUNK):
            rows = slice(at, min(at + _CHUNK, part.stop))
            vectors = self._vectors[rows]
            index.add(vectors / self._lengths[rows, None])
            wide = vectors.astype(np.float64)
            wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
            wide -= index.reconstruct_n(at - part.start, len(vectors))
            self._error = max(self._error, float(np.einsum("ij,ij->i", wide, wide).max()) ** 0.5)
        return index
