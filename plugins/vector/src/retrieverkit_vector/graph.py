"""Approximate search by a graph of near neighbours (HNSW, Malkov and Yashunin 2016) on faiss.

The graph holds half-precision copies of the vectors, scaled to length 1; what it finds is compared again with the
vectors themselves. Rows go in in random order, so that the order of the corpus does not shape the graph.

How much effort a search needs depends on the data and on the share of the rows that a filter lets through. So it is
measured when a graph is made: on rows held back until then, against the truth, for several shares.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from retrieverkit_indexing.forks import no_fork
from retrieverkit_vector.layout import GraphEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_vector.rows import Rows

TARGET = 0.97
"""The share of the ten nearest that a search must find of held-back rows."""
EFFORTS = (64, 128, 256, 512, 1024, 2048, 4096)
SHARES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02)

_LINKS = 32
_BUILD_EFFORT = 80
_SAMPLE = 96
_NEAREST = 10
_DEPTH = 3000
_CHUNK = 16_384
_FEW, _MANY = 8, 64
_NEARLY = 0.95
_imported_in = os.getpid()


def is_installed() -> bool:
    """Return whether faiss is there."""
    return find_spec("faiss") is not None


class Graph:
    """A stored graph, mapped into memory. Safe to search from many threads at once, and after a fork.

    Args:
        folder: The folder that `extended` wrote into.
        entry: What it returned.

    Attributes:
        rows: The graph covers so many rows from the first.
    """

    def __init__(self, folder: Path, entry: GraphEntry) -> None:
        self.rows = entry.rows
        self._efforts = entry.efforts
        self._order: NDArray[np.int32] = np.fromfile(folder / f"{entry.name}.order", "<i4")
        self._faiss: Any = import_module("faiss")
        self._index = self._faiss.read_index(str(folder / f"{entry.name}.hnsw"), self._faiss.IO_FLAG_MMAP_IFC)

    def effort(self, share: float) -> int | None:
        """Return the effort to search with where ``share`` of the rows count; None where none is enough."""
        return next((effort for measured, effort in self._efforts if _NEARLY * measured <= share), None)

    def bits(self, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return which rows count in the form that `search` takes."""
        return np.packbits(mask[self._order], bitorder="little")

    def search(
        self, direction: NDArray[np.float32], wanted: int, effort: int, bits: NDArray[np.uint8] | None, share: float
    ) -> NDArray[np.int64] | None:
        """Return rows near ``direction``, somewhat more than ``wanted``.

        Args:
            direction: The query, of length 1.
            wanted: How many are needed.
            effort: What `effort` said.
            bits: The rows that count; None for all.
            share: Their share of all rows.

        Returns:
            The rows, or None where fewer of them are around the query than their share lets expect: then the nearest
            may be elsewhere.
        """
        faiss = self._faiss
        expected = wanted + _FEW
        if bits is not None:
            expected = max(expected, min(int(effort * share / 2), _MANY))
        effort = max(int(effort * max(1.0, wanted / _NEAREST) ** 0.5), 2 * expected)
        faiss.omp_set_num_threads(1)  # for this thread; a child forked from a process with more would hang
        if bits is None:
            parameters = faiss.SearchParametersHNSW(efSearch=effort)
        else:
            parameters = faiss.SearchParametersHNSW(efSearch=effort, sel=faiss.IDSelectorBitmap(bits))
        _, found = self._index.search(direction.reshape(1, -1), expected, params=parameters)
        if found[0, -1] < 0:
            return None
        rows: NDArray[np.int64] = self._order[found[0]].astype(np.int64)
        return rows


def extended(folder: Path, before: GraphEntry | None, rows: Rows) -> GraphEntry:
    """Write a graph over all rows into ``folder``, in place of the one before it.

    Args:
        folder: The folder.
        before: The graph over the first rows, or None.
        rows: All rows.
    """
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(os.cpu_count() or 1 if os.getpid() == _imported_in else 1)
    start = before.rows if before else 0
    random = np.random.default_rng(len(rows))
    order = (random.permutation(len(rows) - start) + start).astype(np.int64)
    fresh, held_back = order[:-_SAMPLE], order[-_SAMPLE:]
    if before:
        index = faiss.read_index(str(folder / f"{before.name}.hnsw"))
        order = np.concatenate([np.fromfile(folder / f"{before.name}.order", "<i4").astype(np.int64), order])
        remove(folder, before)
    else:
        index = faiss.IndexHNSWSQ(rows.dimension, faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.train(np.zeros((1, rows.dimension), np.float32))
        index.hnsw.efConstruction = _BUILD_EFFORT
    _add(index, rows, fresh)
    efforts = _measured(index, rows, order[:-_SAMPLE], held_back, random)
    _add(index, rows, held_back)
    name = uuid4().hex
    faiss.write_index(index, str(folder / f"{name}.hnsw"))
    (folder / f"{name}.order").write_bytes(order.astype("<i4").tobytes())
    return GraphEntry(name, len(rows), efforts)


def remove(folder: Path, entry: GraphEntry) -> None:
    """Remove a graph's files from ``folder``."""
    (folder / f"{entry.name}.hnsw").unlink()
    (folder / f"{entry.name}.order").unlink()


def _add(index: Any, rows: Rows, chosen: NDArray[np.int64]) -> None:
    for at in range(0, len(chosen), _CHUNK):
        index.add(_directions(rows, chosen[at : at + _CHUNK]))


def _directions(rows: Rows, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    return rows.vectors(chosen) / rows.lengths[chosen, None]


def _measured(
    index: Any, rows: Rows, order: NDArray[np.int64], held_back: NDArray[np.int64], random: np.random.Generator
) -> list[tuple[float, int | None]]:
    """Return for each share the least effort by which enough of the nearest rows are found."""
    faiss: Any = import_module("faiss")
    queries = _directions(rows, held_back)
    nearest = _nearest(rows, queries, held_back)
    place = np.full(len(rows), -1)
    place[order] = np.arange(len(order))
    draw = random.random(len(order))
    efforts: list[tuple[float, int | None]] = []
    for share in SHARES:
        passing = draw < share
        selector = faiss.IDSelectorBitmap(np.packbits(passing, bitorder="little"))
        truth = []
        for best in nearest:
            ids = place[best]
            truth.append(ids[passing[ids]][:_NEAREST])
        least: int | None = None
        for effort in EFFORTS:
            parameters = faiss.SearchParametersHNSW(efSearch=effort, sel=selector)
            _, found = index.search(queries, _NEAREST + _FEW, params=parameters)
            shares = [np.isin(true, got).mean() for true, got in zip(truth, found, strict=True) if len(true)]
            if not shares or np.mean(shares) >= TARGET:
                least = effort
                break
        efforts.append((share, least))
    return efforts


def _nearest(rows: Rows, queries: NDArray[np.float32], excluded: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows nearest to each query, nearest first."""
    scores = np.empty((len(queries), 0), np.float32)
    found = np.empty((len(queries), 0), np.int64)
    for first, vectors in rows.blocks(0):
        for at in range(0, len(vectors), _CHUNK):
            part = vectors[at : at + _CHUNK]
            numbers = np.arange(first + at, first + at + len(part))
            with no_fork:
                near = queries @ (part / rows.lengths[numbers, None]).T
            near[:, np.isin(numbers, excluded)] = -2
            scores = np.concatenate([scores, near], axis=1)
            found = np.concatenate([found, np.broadcast_to(numbers, near.shape)], axis=1)
            if scores.shape[1] > 2 * _DEPTH:
                best = np.argpartition(-scores, _DEPTH, axis=1)[:, :_DEPTH]
                scores, found = np.take_along_axis(scores, best, 1), np.take_along_axis(found, best, 1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
    return np.take_along_axis(found, best, 1)
