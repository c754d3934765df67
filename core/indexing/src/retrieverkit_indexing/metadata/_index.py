"""The metadata index, derived from a corpus.

New nodes become a segment of their own. Segments that are small beside what comes after them, and all of them where
too many of their nodes are gone, are written together into one: so there are few, and each node is written a few
times at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_core.filters import filterable
from retrieverkit_indexing.derived import DerivedIndex
from retrieverkit_indexing.metadata._building import ColumnsBuilder
from retrieverkit_indexing.metadata._reader import MetadataReader
from retrieverkit_indexing.metadata._segment import Segment, write_segment

MAX_REMOVED_SHARE = 0.25
_MERGED_BELOW = 2

_LAYOUT = "layout.json"
_REMOVED = "removed.i64"


class MetadataIndex(DerivedIndex[MetadataReader]):
    """The metadata of every node in a corpus, and its ids, by key and value.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
    """

    name = "metadata"
    format_version = 2

    def __init__(self, corpus: Corpus, storage: Path) -> None:
        super().__init__(corpus, storage, {})

    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Index every node."""
        columns = ColumnsBuilder()
        for ordinal, node in nodes:
            columns.add(ordinal, filterable(node))
        _write(folder, [], columns, np.empty(0, np.int64))

    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add nodes."""
        gone = np.union1d(_read_removed(folder), np.array(removed, np.int64))
        fresh = [(ordinal, filterable(node)) for ordinal, node in added]
        kept, merged = _divided(self._segments(folder), gone, len(fresh))
        columns = ColumnsBuilder()
        dead = set(gone.tolist())
        for segment in merged:
            for ordinal, metadata in segment.rows():
                if ordinal not in dead:
                    columns.add(ordinal, metadata)
        for ordinal, metadata in fresh:
            columns.add(ordinal, metadata)
        for segment in merged:
            (folder / f"{segment.name}.json").unlink()
            (folder / f"{segment.name}.bin").unlink()
        (folder / _LAYOUT).unlink()
        (folder / _REMOVED).unlink()
        still = [gone[np.isin(gone, segment.ordinals)] for segment in kept]
        _write(folder, [segment.name for segment in kept], columns, np.concatenate([np.empty(0, np.int64), *still]))

    def open(self, folder: Path) -> MetadataReader:
        """Open the index; segments that were open before stay so."""
        return MetadataReader(self._segments(folder), _read_removed(folder))

    def _segments(self, folder: Path) -> list[Segment]:
        names = json.loads((folder / _LAYOUT).read_bytes())
        loaded = {segment.name: segment for segment in self.opened.segments} if self.opened else {}
        return [loaded.get(name) or Segment(folder, name) for name in names]


def _divided(
    segments: Sequence[Segment], gone: NDArray[np.int64], added: int
) -> tuple[Sequence[Segment], Sequence[Segment]]:
    """Return the segments to keep and those, behind them, to write together with ``added`` new nodes."""
    dead = [int(np.isin(segment.ordinals, gone).sum()) for segment in segments]
    total = sum(map(len, segments))
    if sum(dead) > MAX_REMOVED_SHARE * total:
        return [], segments
    kept = len(segments)
    while kept and len(segments[kept - 1]) - dead[kept - 1] <= _MERGED_BELOW * added:
        kept -= 1
        added += len(segments[kept]) - dead[kept]
    return segments[:kept], segments[kept:]


def _write(folder: Path, kept: list[str], columns: ColumnsBuilder, removed: NDArray[np.int64]) -> None:
    ordinals, by_key = columns.finish()
    names = list(kept)
    if len(ordinals):
        names.append(uuid4().hex)
        write_segment(folder, names[-1], ordinals, by_key)
    (folder / _LAYOUT).write_text(json.dumps(names), "utf-8")
    (folder / _REMOVED).write_bytes(removed.astype("<i8").tobytes())


def _read_removed(folder: Path) -> NDArray[np.int64]:
    return np.frombuffer((folder / _REMOVED).read_bytes(), "<i8")
