import hashlib
from contextlib import contextmanager

import pytest

from retrieverkit_core.corpus import Cursor, StoredNode
from retrieverkit_core.nodes import Node


class MemoryCorpus:
    """A corpus in memory."""

    corpus_id = "c"

    def __init__(self):
        self.stored = {}
        self.log = []
        self.cursors = [Cursor(self.corpus_id, 0, "")]

    def add(self, node_id, metadata):
        self.delete(node_id)
        self._log(("added", len(self.log) + 1))
        self.stored[len(self.log)] = Node(id=node_id, metadata=metadata)

    def delete(self, *node_ids):
        for ordinal in [ordinal for ordinal, node in self.stored.items() if node.id in node_ids]:
            self._log(("removed", ordinal))
            del self.stored[ordinal]

    def _log(self, change):
        self.log.append(change)
        chain = hashlib.md5(f"{self.cursors[-1].chain}{change}".encode()).hexdigest()
        self.cursors.append(Cursor(self.corpus_id, len(self.log), chain))

    def head(self):
        return self.cursors[-1]

    def holds(self, cursor):
        return cursor.seq < len(self.cursors) and self.cursors[cursor.seq] == cursor

    @contextmanager
    def snapshot(self):
        yield View(self.head(), dict(self.stored), list(self.log))


class View:
    def __init__(self, cursor, stored, log):
        self.cursor = cursor
        self._stored = stored
        self._log = log

    def count(self):
        return len(self._stored)

    def nodes(self):
        return (StoredNode(*item) for item in sorted(self._stored.items()))

    def added(self, since):
        return (stored for stored in self.nodes() if stored.ordinal > since.seq)

    def removed(self, since):
        return (ordinal for what, ordinal in self._log[since.seq :] if what == "removed")


@pytest.fixture
def new_corpus():
    return MemoryCorpus
