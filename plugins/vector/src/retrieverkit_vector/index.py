"""The vector index, derived from a corpus.

Rows are never changed. New nodes become a segment behind the others; small segments at the end are written together
with it. A node that is gone stays as a row that no longer counts, until a quarter of the rows are such: then all
others are written into one segment. From `GRAPH_FROM` rows on there is a graph over the first of them; rows behind it
are compared one by one until they are many, then the graph is extended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_core.services import CorpusEmbedder, Embedder
from retrieverkit_indexing.derived import DerivedIndex, RebuildRequired
from retrieverkit_vector import graph
from retrieverkit_vector.layout import Layout, read_longer, read_removed, write_longer, write_removed
from retrieverkit_vector.models import FittedModel, IndexModel, ModelAtHand
from retrieverkit_vector.reader import VectorReader
from retrieverkit_vector.rows import Rows, alive
from retrieverkit_vector.segments import Batch, Segment, remove_segment, write_segment

GRAPH_FROM = 100_000
MAX_TAIL_SHARE = 0.05
MAX_TAIL = 20_000
MAX_REMOVED_SHARE = 0.25
_MERGED_BELOW = 2
_WITHOUT_FAISS = "vector: slow, as every node is compared; for so many: pip install 'retrieverkit-vector[faiss]'"
_WITHOUT_GRAPH = "vector: slow, as every node is compared; a graph would miss too many of the nearest of these vectors"
_COPIED_ROWS = 8192
_LISTED = 1024


class VectorIndex(DerivedIndex[VectorReader]):
    """The vector of every node in a corpus; the same for every metric.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns texts into vectors.
        spec: The spec that names the embedding.

    Attributes:
        model: How it gets its vectors.
    """

    name = "vector"
    format_version = 2
    rebuild_share = math.inf

    def __init__(self, corpus: Corpus, storage: Path, embedding: Embedder | CorpusEmbedder, spec: str) -> None:
        super().__init__(corpus, storage, {"embedding": spec}, uses=(embedding,))
        fitted = isinstance(embedding, CorpusEmbedder)
        self.model: IndexModel = (FittedModel if fitted else ModelAtHand)(embedding, spec, corpus, storage)  # type: ignore[arg-type]

    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Index every node."""
        layout = Layout()
        written = write_segment(folder, self.model.build(folder, nodes, layout))
        layout.segments = [written] if written else []
        write_longer(folder, np.array(self.model.longer(), np.int64))
        self._finish(folder, layout, np.empty(0, np.int64))

    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add nodes.

        Raises:
            RebuildRequired: The model must be fitted again, or more has come than there was.
            EmbeddingMismatchError: The model is another one than made the vectors there are.
        """
        layout = Layout.read(folder)
        nodes = self._listed(added, layout)
        fresh = self.model.update(folder, removed, nodes, layout)
        gone = np.union1d(read_removed(folder), np.array(removed, np.int64))
        segments = self._segments(folder, layout)
        dead = [int(np.count_nonzero(~alive(segment.ordinals, gone))) for segment in segments]
        kept = _kept(segments, dead, len(nodes), layout.graph.rows if layout.graph else 0)
        written = write_segment(folder, _surviving_then(segments[kept:], gone, fresh))
        longer = np.setdiff1d(read_longer(folder), np.array(removed, np.int64))
        write_longer(folder, np.concatenate([longer, np.array(self.model.longer(), np.int64)]))
        for segment in segments[kept:]:
            remove_segment(folder, segment.name)
        if layout.graph and kept == 0:
            graph.remove(folder, layout.graph)
            layout.graph = None
        layout.segments[kept:] = [written] if written else []
        still = [segment.ordinals[~alive(segment.ordinals, gone)] for segment in segments[:kept]]
        self._finish(folder, layout, np.concatenate([np.empty(0, np.int64), *still]))

    def open(self, folder: Path) -> VectorReader:
        """Open the index; segments that were open before stay so."""
        layout = Layout.read(folder)
        segments = self._segments(folder, layout)
        rows = Rows(segments, layout.dimension, read_removed(folder))
        embed_queries = self.model.for_queries(folder, layout)
        opened = graph.Graph(folder, layout.graph) if layout.graph and graph.is_installed() else None
        notes = [self.model.note(len(read_longer(folder)))]
        if len(rows) >= GRAPH_FROM and not graph.is_installed():
            notes.append(_WITHOUT_FAISS)
        elif opened is not None and opened.effort(1.0) is None:
            notes.append(_WITHOUT_GRAPH)
        embed_documents = self.model.for_documents(folder, layout)
        made_by = self.model.made_by(folder, layout)
        return VectorReader(rows, embed_queries, opened, tuple(filter(None, notes)), embed_documents, made_by)

    def _listed(self, added: Iterable[StoredNode], layout: Layout) -> list[StoredNode]:
        """Return what was added. Only a fitted model has to see all of it, however much there is."""
        if layout.fits:
            return list(added)
        most = max(_LISTED, sum(rows for _, rows in layout.segments))
        nodes = list(islice(added, most + 1))
        if len(nodes) > most:
            raise RebuildRequired("more has come than there was")
        return nodes

    def _segments(self, folder: Path, layout: Layout) -> list[Segment]:
        loaded = {segment.name: segment for _, segment in self.opened.rows.segments()} if self.opened else {}
        return [loaded.get(name) or Segment(folder, name, layout.dimension) for name, _ in layout.segments]

    def _finish(self, folder: Path, layout: Layout, removed: NDArray[np.int64]) -> None:
        """Bring the graph up to date where it must be, and write what is not vectors."""
        total = sum(rows for _, rows in layout.segments)
        behind = total - (layout.graph.rows if layout.graph else 0)
        most = max(MAX_TAIL, MAX_TAIL_SHARE * total) if layout.graph else GRAPH_FROM
        if total >= GRAPH_FROM and behind >= most and graph.is_installed():
            rows = Rows(self._segments(folder, layout), layout.dimension, removed)
            layout.graph = graph.extended(folder, layout.graph, rows)
        write_removed(folder, removed)
        layout.write(folder)


def _kept(segments: Sequence[Segment], dead: Sequence[int], added: int, covered: int) -> int:
    """Return how many of the first segments stay as they are.

    Args:
        segments: The segments.
        dead: How many rows of each no longer count.
        added: How many rows come behind them.
        covered: How many of the first rows a graph covers.
    """
    if sum(dead) > MAX_REMOVED_SHARE * sum(map(len, segments)):
        return 0
    kept, rest = len(segments), sum(map(len, segments))
    while rest > covered and len(segments[kept - 1]) - dead[kept - 1] <= _MERGED_BELOW * added:
        kept -= 1
        rest -= len(segments[kept])
        added += len(segments[kept]) - dead[kept]
    return kept


def _surviving_then(segments: Sequence[Segment], gone: NDArray[np.int64], fresh: Iterator[Batch]) -> Iterator[Batch]:
    for segment in segments:
        for start in range(0, len(segment), _COPIED_ROWS):
            ordinals = segment.ordinals[start : start + _COPIED_ROWS]
            there = alive(ordinals, gone)
            yield ordinals[there], segment.vectors[start : start + _COPIED_ROWS][there]
    yield from fresh
