"""The leaves of the tree: every node of the corpus, in an order that depends on nothing but what is there."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.corpus import Corpus, StoredNode, searched_text
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import MetadataMode
from retrieverkit_indexing.derived import DerivedIndex, RebuildRequired
from retrieverkit_indexing.metadata import MetadataReader
from retrieverkit_summary.tree.tree import Tree

_FILE = "leaves.json"
_DIGITS = re.compile("[0-9]+")
_REMEMBERED = 16

Row = list[Any]
"""The document's id, the ordinal, the hash of the node's id, the hash of what is summarised, as they are stored."""


class Leaves:
    """The leaves at one state of the corpus. Safe to share between threads.

    Args:
        ordinals: The ordinal of each leaf, in the order of the tree.
        hashes: The hash of each node's id.
        digests: A hash of what each node says.
    """

    def __init__(self, ordinals: NDArray[np.int64], hashes: NDArray[np.uint64], digests: Sequence[str]) -> None:
        self.ordinals = ordinals
        self._hashes = hashes
        self._digests = digests
        self._trees: OrderedDict[tuple[int, MetadataFilters | None], tuple[object, Tree]] = OrderedDict()
        self._lock = threading.Lock()

    def tree(
        self, num_children: int, filters: MetadataFilters | None = None, state: MetadataReader | None = None
    ) -> Tree:
        """Return the tree of the leaves that pass, which is the one of a corpus that holds no others.

        Args:
            num_children: How many children a parent has on average.
            filters: Filters, with the scope in them, or None.
            state: Says which nodes pass; not older than the leaves. None where there are no filters.
        """
        key = num_children, filters
        with self._lock:
            made = self._trees.get(key)
            if made is not None and made[0] is state:
                self._trees.move_to_end(key)
                return made[1]
        rows = np.arange(len(self.ordinals))
        if filters is not None and state is not None:
            rows = rows[np.isin(self.ordinals, state.ordinals_of(filters))]
        tree = Tree(
            self.ordinals[rows], self._hashes[rows], [self._digests[row] for row in rows.tolist()], num_children
        )
        with self._lock:
            self._trees[key] = state, tree
            while len(self._trees) > _REMEMBERED:
                self._trees.popitem(last=False)
        return tree


class LeafIndex(DerivedIndex[Leaves]):
    """The order of all nodes: by their document's id, in which numbers go by their value, then as in the document.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
    """

    name = "tree"
    format_version = 1

    def __init__(self, corpus: Corpus, storage: Path) -> None:
        super().__init__(corpus, storage, {})

    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Put all nodes in order."""
        self._write(folder, self._rows(nodes))

    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Take nodes out and put nodes in.

        Raises:
            RebuildRequired: Other fields are searched now.
        """
        stored = json.loads((folder / _FILE).read_bytes())
        if stored["searched"] != list(self.corpus.settings.searched):
            raise RebuildRequired("other fields are searched now")
        gone = set(removed)
        rows = [row for row in stored["rows"] if row[1] not in gone]
        (folder / _FILE).unlink()
        self._write(folder, rows + self._rows(added))

    def open(self, folder: Path) -> Leaves:
        """Read the order."""
        return _leaves(json.loads((folder / _FILE).read_bytes())["rows"])

    def of(self, nodes: Iterable[StoredNode]) -> Leaves:
        """Return the leaves of some nodes alone, without reading or writing an index."""
        return _leaves(_in_order(self._rows(nodes)))

    def _rows(self, nodes: Iterable[StoredNode]) -> list[Row]:
        settings = self.corpus.settings
        rows: list[Row] = []
        for ordinal, node in nodes:
            said = f"{node.get_content(MetadataMode.LLM)}\0{searched_text(node, settings)}"
            rows.append([node.ref_doc_id or "", ordinal, _hash(node.id, 8), _hash(said, 16)])
        return rows

    def _write(self, folder: Path, rows: list[Row]) -> None:
        stored = {"searched": list(self.corpus.settings.searched), "rows": _in_order(rows)}
        (folder / _FILE).write_text(json.dumps(stored), "ascii")


def _in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (_natural(row[0]), row[0], row[1]))


def _leaves(rows: list[Row]) -> Leaves:
    hashes = np.array([int(row[2], 16) for row in rows], np.uint64)
    return Leaves(np.array([row[1] for row in rows], np.int64), hashes, [row[3] for row in rows])


def _natural(text: str) -> str:
    """Return ``text`` with its numbers written so that they sort by their value: ``part 9`` before ``part 10``."""

    def written(match: re.Match[str]) -> str:
        digits = match[0].lstrip("0")
        return f"{len(digits):06}{digits}"

    return _DIGITS.sub(written, text)


def _hash(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
