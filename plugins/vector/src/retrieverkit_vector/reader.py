"""Searching one state of an index: which way is cheapest, and the hits in their order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_indexing.forks import no_fork
from retrieverkit_indexing.metadata import MetadataReader
from retrieverkit_vector.graph import Graph
from retrieverkit_vector.made_by import UNKNOWN, MadeBy
from retrieverkit_vector.metrics import Target, contenders
from retrieverkit_vector.rows import Rows, places_of
from retrieverkit_vector.side_by_side import each, parts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    EmbedQueries = Callable[[Sequence[str]], NDArray[np.float32]]
    EmbedDocuments = Callable[[Sequence[str]], NDArray[np.float32]]

GATHERED_UP_TO = 20_000
"""So many rows are compared one by one rather than by the graph."""
_GATHERED_SHARE = 0.15
"""Above this share of the rows it is quicker to compare with all of them."""
_GRAPH_WANTED = 1000
"""More hits than this are not searched for by the graph."""
_HALVES_SHARE = 0.5
"""Below this share of the rows too many candidates would not count."""
_BEHIND_HALVES = 4096
_EVEN = 1e-3
"""Lengths that differ by less than this share leave the order the same in every metric, but for what is as near."""
_PRODUCTS = 1 << 24
_GATHERED = 1024
_REMEMBERED_FILTERS = 32
_REMEMBERED_BYTES = 64 << 20
_REMEMBERED_QUERIES = 1_000
_REMEMBERED_QUERY_BYTES = 4 << 20


class Nearest(NamedTuple):
    """Rows and their scores, best first."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]


class Admitted:
    """The rows that a filter lets through.

    Args:
        mask: Whether each row counts and passes.
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self.mask = mask
        self.count = int(np.count_nonzero(mask))

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The rows, ascending."""
        return np.flatnonzero(self.mask)


class VectorReader:
    """One state of the index, unmoved by later ones. Safe to share between threads.

    Args:
        rows: The vectors.
        embed_queries: What embeds queries, or None.
        graph: The graph over the first rows, or None.
        notes: What a reader of the results should know.
        embed_documents: What embeds texts as those of nodes, or None.
        made_by: What made the vectors.

    Attributes:
        rows: The vectors.
        embed_queries: What embeds queries, or None.
        embed_documents: What embeds texts as those of nodes, or None.
        notes: What a reader of the results should know.
        count: How many nodes can be found.
        dimension: The length of the vectors.
        made_by: What made them.
    """

    def __init__(
        self,
        rows: Rows,
        embed_queries: EmbedQueries | None,
        graph: Graph | None,
        notes: tuple[str, ...],
        embed_documents: EmbedDocuments | None = None,
        made_by: MadeBy = UNKNOWN,
    ) -> None:
        self.rows = rows
        self.embed_queries = embed_queries
        self.embed_documents = embed_documents
        self.notes = notes
        self.count = rows.count
        self.dimension = rows.dimension
        self.made_by = made_by
        self._graph = graph
        self._even_lengths = len(rows) > 0 and float(np.ptp(rows.lengths)) <= _EVEN * float(rows.lengths.max())
        self._everything = None if rows.alive is None else Admitted(rows.alive)
        self._bits: OrderedDict[int, tuple[Admitted, NDArray[np.uint8]]] = OrderedDict()
        self._filters: tuple[MetadataReader, NDArray[np.int64], OrderedDict[MetadataFilters, Admitted]] | None = None
        self._most = max(2, min(_REMEMBERED_FILTERS, _REMEMBERED_BYTES // (4 * len(rows) + 1)))
        self._asked: OrderedDict[tuple[str, ...], NDArray[np.float32]] = OrderedDict()
        self._most_asked = max(1, min(_REMEMBERED_QUERIES, _REMEMBERED_QUERY_BYTES // (4 * rows.dimension + 1)))
        self._lock = threading.Lock()

    def remember(self, texts: tuple[str, ...], vector: NDArray[np.float32]) -> None:
        """Keep the vector of a query, so that `recall` has it if that query is moved."""
        with self._lock:
            self._asked[texts] = vector
            self._asked.move_to_end(texts)
            while len(self._asked) > self._most_asked:
                self._asked.popitem(last=False)

    def recall(self, texts: tuple[str, ...]) -> NDArray[np.float32] | None:
        """Return the vector of one of the last queries, or None."""
        with self._lock:
            return self._asked.get(texts)

    def rows_of(self, ordinals: NDArray[np.int64], admitted: Admitted | None) -> NDArray[np.int64]:
        """Return the rows of those of ``ordinals`` that have a vector and count."""
        places = places_of(ordinals, self.rows.ordinals)
        rows = places[places < len(self.rows)]
        admitted = admitted or self._everything
        return rows if admitted is None else rows[admitted.mask[rows]]

    def admitted(self, metadata: MetadataReader, tree: MetadataFilters) -> Admitted:
        """Return the rows whose nodes pass ``tree``.

        Args:
            metadata: A state of the metadata index that is not older. A node that it does not know is gone.
            tree: Filters, with the scope in them.
        """
        with self._lock:
            if self._filters is None or self._filters[0] is not metadata:
                self._filters = metadata, places_of(self.rows.ordinals, metadata.ordinals), OrderedDict()
            _, places, known = self._filters
            if tree in known:
                known.move_to_end(tree)
                return known[tree]
        passing = np.append(metadata.allowed(tree), False)[places]
        if self.rows.alive is not None:
            passing &= self.rows.alive
        found = Admitted(passing)
        with self._lock:
            known[tree] = found
            while len(known) > self._most:
                known.popitem(last=False)
        return found

    def search(self, target: Target, wanted: int | None, admitted: Admitted | None = None) -> Nearest:
        """Return the nearest rows.

        Args:
            target: What is searched for.
            wanted: The most rows wanted, None for all.
            admitted: Only these rows.
        """
        admitted = admitted or self._everything
        count = self.count if admitted is None else admitted.count
        wanted = count if wanted is None else min(wanted, count)
        if not wanted:
            return Nearest(np.empty(0, np.int64), np.empty(0))
        rows = self._by_graph(target, wanted, admitted, count)
        if rows is None and target.metric == "cosine":
            rows = self._by_halves(target, wanted, admitted, count)
        if rows is None:
            rows = self._one_by_one(target, wanted, admitted)
        return self._ranked(target, rows, wanted)

    def search_many(self, targets: Sequence[Target], wanted: Sequence[int | None]) -> list[Nearest]:
        """Return for each target what `search` does, by one matrix product for many of them."""
        if self._graph is not None or not self.count:
            return [self.search(target, most) for target, most in zip(targets, wanted, strict=True)]
        found = []
        together = max(1, _PRODUCTS // len(self.rows))
        for at in range(0, len(targets), together):
            some = targets[at : at + together]
            directions = np.stack([target.direction for target in some])
            products = np.concatenate([_multiplied(directions, block) for _, block in self.rows.blocks(0)], axis=1)
            for target, most, row in zip(some, wanted[at : at + together], products, strict=True):
                most = self.count if most is None else min(most, self.count)
                chosen = self._contenders(target, row, 0, most, self._everything) if most else np.empty(0, np.int64)
                found.append(self._ranked(target, chosen, most))
        return found

    def _ranked(self, target: Target, rows: NDArray[np.int64], wanted: int) -> Nearest:
        scores = target.scores(self.rows.vectors(rows))
        order = target.order(scores, self.rows.ordinals[rows])[:wanted]
        return Nearest(rows[order], scores[order])

    def _by_graph(self, target: Target, wanted: int, admitted: Admitted | None, count: int) -> NDArray[np.int64] | None:
        """Return enough rows by the graph; None where that is not quicker or not sure enough."""
        graph = self._graph
        if graph is None or count <= GATHERED_UP_TO or wanted > _GRAPH_WANTED:
            return None
        if target.metric != "cosine" and not self._even_lengths:
            return None
        share = count / len(self.rows)
        effort = graph.effort(share)
        if effort is None:
            return None
        near = graph.search(target.direction, wanted, effort, self._graph_bits(graph, admitted), share)
        if near is None:
            return None
        if graph.rows == len(self.rows):
            return near
        return np.concatenate([near, self._one_by_one(target, wanted, admitted, graph.rows)])

    def _graph_bits(self, graph: Graph, admitted: Admitted | None) -> NDArray[np.uint8] | None:
        if admitted is None:
            return None
        with self._lock:
            known = self._bits.get(id(admitted))
            if known is not None and known[0] is admitted:
                return known[1]
        bits = graph.bits(admitted.mask)
        with self._lock:
            self._bits[id(admitted)] = admitted, bits
            while len(self._bits) > self._most:
                self._bits.popitem(last=False)
        return bits

    def _by_halves(
        self, target: Target, wanted: int, admitted: Admitted | None, count: int
    ) -> NDArray[np.int64] | None:
        """Return all rows that may be among the nearest by half-precision copies; None where that is in doubt."""
        share = count / len(self.rows)
        if share < _HALVES_SHARE:
            return None
        (_, first), *later = self.rows.segments()
        counting = None if admitted is None else admitted.mask[: len(first)]
        near = first.halves.contenders(target, wanted, counting, share)
        if near is None or len(self.rows) - len(first) > _BEHIND_HALVES:
            return None
        if not later:
            return near
        return np.concatenate([near, self._one_by_one(target, wanted, admitted, len(first))])

    def _one_by_one(self, target: Target, wanted: int, admitted: Admitted | None, start: int = 0) -> NDArray[np.int64]:
        """Return all rows from ``start`` on that may be among the nearest, by comparing with every one."""
        if admitted is not None and admitted.count <= _GATHERED_SHARE * len(self.rows):
            rows = admitted.rows[np.searchsorted(admitted.rows, start) :] if start else admitted.rows
            parts = [rows[at : at + _GATHERED] for at in range(0, len(rows), _GATHERED)]
            products = [_products(self.rows.vectors(part), target.direction) for part in parts]
            lengths = self.rows.lengths[rows]
            nearness = target.nearness(_joined(products), lengths)
            return rows[contenders(nearness, target.tolerance(lengths), wanted)]
        products = [_products(vectors, target.direction) for _, vectors in self.rows.blocks(start)]
        return self._contenders(target, _joined(products), start, wanted, admitted)

    def _contenders(
        self, target: Target, products: NDArray[np.float32], start: int, wanted: int, admitted: Admitted | None
    ) -> NDArray[np.int64]:
        """Return the rows that may be among the nearest; ``products`` is of the rows from ``start`` on."""
        lengths = self.rows.lengths[start:] if start else self.rows.lengths
        if admitted is None:
            return contenders(target.nearness(products, lengths), target.tolerance(lengths), wanted) + start
        mask = admitted.mask[start:]
        lengths = lengths[mask]
        places = contenders(target.nearness(products[mask], lengths), target.tolerance(lengths), wanted)
        return np.flatnonzero(mask)[places] + start


def _multiplied(directions: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    with no_fork:
        products: NDArray[np.float32] = directions @ vectors.T
    return products


def _products(vectors: NDArray[np.float32], direction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each row's product with ``direction``.

    Row by row is up to three times quicker here than a matrix-vector product, whose threads also wait for each other
    where the processors are busy. So a row's product does not depend on how the rows are divided between threads.
    """
    products = np.empty(len(vectors), np.float32)
    parts = parts_of(len(vectors), vectors.itemsize * len(direction))
    each(lambda at: np.vecdot(vectors[parts[at]], direction, out=products[parts[at]]), len(parts))
    return products


def _joined(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, np.float32), *arrays])
