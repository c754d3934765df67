"""`MemoryCorpus`: a corpus in memory, to test an index of your own without files of a corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from retrieverkit_core.corpus import Cursor, IndexSettings, StoredNode
from retrieverkit_core.filters import fields_of
from retrieverkit_core.nodes import Node


class MemoryCorpus:
    """A `Corpus` whose nodes are gone when it is; forked children have their own. Not for threads that write.

    Args:
        corpus_id: Tells it from other corpora.
        settings: Its settings.

    Attributes:
        corpus_id: The same.
        settings: The same; `configure` changes them.
        stored: The nodes that are there, by ordinal.
        writable: Always true.
    """

    writable = True

    def __init__(self, corpus_id: str = "memory", settings: IndexSettings | None = None) -> None:
        self.corpus_id = corpus_id
        self.settings = settings or IndexSettings()
        self.stored: dict[int, Node] = {}
        self._removed: dict[int, int] = {}
        self._cursors = [Cursor(corpus_id, 0, "")]

    def add(self, *nodes: Node) -> None:
        """Add nodes; one with the id of another replaces it."""
        for node in nodes:
            self.delete(node.id)
            ordinal = len(self._cursors)
            self._log(f"added {ordinal}")
            self.stored[ordinal] = node

    def delete(self, *node_ids: str) -> None:
        """Remove the nodes that are there."""
        for ordinal in [ordinal for ordinal, node in self.stored.items() if node.id in node_ids]:
            self._log(f"removed {ordinal}")
            self._removed[len(self._cursors) - 1] = ordinal
            del self.stored[ordinal]

    def configure(self, *, language: str | None = None, searched: Sequence[str] | None = None) -> IndexSettings:
        """Change settings and return all of them; None leaves one as it is."""
        old = self.settings
        fields: Any = old.searched if searched is None else searched  # the settings check what they are given
        new = IndexSettings(language or old.language, fields, old.splitter)
        if new != old:
            self._log(f"configured {new}")
            self.settings = new
        return new

    def head(self) -> Cursor:
        """Return the place behind the last change."""
        return self._cursors[-1]

    def holds(self, cursor: Cursor) -> bool:
        """Return whether ``cursor`` is a place in this corpus's own history."""
        return cursor.seq < len(self._cursors) and self._cursors[cursor.seq] == cursor

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        """Open a consistent view."""
        yield MemorySnapshot(self.head(), dict(self.stored), dict(self._removed))

    def fetch(self, ordinals: Sequence[int]) -> list[Node | None]:
        """Return the node at each ordinal, None where it has been removed."""
        return [self.stored.get(ordinal) for ordinal in ordinals]

    def get(self, node_ids: Sequence[str]) -> list[Node | None]:
        """Return the node with each id, None where there is none."""
        by_id = {node.id: node for node in self.stored.values()}
        return [by_id.get(node_id) for node_id in node_ids]

    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the kinds of value that each metadata field holds."""
        kinds: dict[str, set[str]] = {}
        for node in self.stored.values():
            for key, kind in fields_of(node.metadata):
                kinds.setdefault(key, set()).add(kind)
        return {key: frozenset(held) for key, held in kinds.items()}

    def _log(self, change: str) -> None:
        chain = hashlib.sha256(f"{self.head().chain}{change}".encode()).hexdigest()
        self._cursors.append(Cursor(self.corpus_id, len(self._cursors), chain))


class MemorySnapshot:
    """One state of a `MemoryCorpus`; a `CorpusSnapshot`.

    Args:
        cursor: The place in the log that it shows.
        stored: The nodes by ordinal.
        removed: The ordinals that were removed, by the number of the change.

    Attributes:
        cursor: The place in the log that it shows.
    """

    def __init__(self, cursor: Cursor, stored: Mapping[int, Node], removed: Mapping[int, int]) -> None:
        self.cursor = cursor
        self._stored = stored
        self._removed = removed

    def count(self) -> int:
        """Return the number of nodes."""
        return len(self._stored)

    def nodes(self) -> Iterator[StoredNode]:
        """Yield every node by ascending ordinal."""
        return (StoredNode(*item) for item in sorted(self._stored.items()))

    def added(self, since: Cursor) -> Iterator[StoredNode]:
        """Yield, by ascending ordinal, the nodes that were added after ``since``."""
        return (stored for stored in self.nodes() if stored.ordinal > since.seq)

    def removed(self, since: Cursor) -> Iterator[int]:
        """Yield the ordinals of nodes removed after ``since``."""
        return (ordinal for seq, ordinal in self._removed.items() if seq > since.seq)
