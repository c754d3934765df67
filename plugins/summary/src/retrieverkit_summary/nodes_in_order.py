"""The nodes of a corpus in order: documents as they were added, in each its nodes from first to last."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import UNLIMITED
from retrieverkit_indexing.metadata import MetadataIndex, MetadataReader

_EVERY = MetadataFilters([], "and")
"""What every node passes."""


class FirstNodes(NamedTuple):
    """The first nodes that pass.

    Attributes:
        nodes: The nodes.
        total: How many pass in all.
    """

    nodes: list[Node]
    total: int


class NodesInOrder:
    """Reads the first nodes of a corpus that pass filters, and no more of it than that.

    Args:
        corpus: The corpus.
        storage: The folder under which the corpus's indexes live.
    """

    def __init__(self, corpus: Corpus, storage: Path) -> None:
        self._corpus = corpus
        self._metadata = MetadataIndex(corpus, storage)

    def ordinals(self, filters: MetadataFilters | None, limit: int) -> tuple[list[int], Cursor]:
        """Return the ordinals of the first nodes that pass, and the state of the corpus that they are of."""
        if filters is not None:
            return self._metadata.ask_at(lambda reader: reader.ordinals_of(filters)[:limit].tolist())
        with self._corpus.snapshot() as view:
            return [stored.ordinal for stored in islice(view.nodes(), limit)], view.cursor

    def passing(self, filters: MetadataFilters | None) -> tuple[list[int], int, Cursor]:
        """Return the ordinals of all nodes that pass, how many nodes there are, and the state that this is true of."""

        def ask(reader: MetadataReader) -> tuple[list[int], int]:
            every = reader.ordinals_of(_EVERY)
            return (every if filters is None else reader.ordinals_of(filters)).tolist(), len(every)

        (ordinals, total), cursor = self._metadata.ask_at(ask)
        return ordinals, total, cursor

    def first(self, filters: MetadataFilters | None, limit: int | None) -> FirstNodes:
        """Return the first nodes that pass; all of them where there is no limit."""
        limit = UNLIMITED if limit is None else limit
        if filters is None:
            with self._corpus.snapshot() as view:
                return FirstNodes([stored.node for stored in islice(view.nodes(), limit)], view.count())
        passing, _ = self._metadata.ask_at(lambda reader: reader.ordinals_of(filters))
        read = self._corpus.fetch(passing[:limit].tolist())
        nodes = [node for node in read if node is not None]  # others were deleted since the index was asked
        return FirstNodes(nodes, len(passing) - len(read) + len(nodes))

    def walk(self, filters: MetadataFilters | None) -> Generator[Node]:
        """Yield the nodes that pass, without an index: slow where few do, but nothing is built or written."""
        with self._corpus.snapshot() as view:
            for stored in view.nodes():
                if filters is None or filters.admits(stored.node):
                    yield stored.node
