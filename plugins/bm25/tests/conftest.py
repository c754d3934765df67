import hashlib
import os
import traceback
from contextlib import contextmanager

import pytest

from retrieverkit_core.corpus import Cursor, StoredNode
from retrieverkit_core.nodes import Node


class MemoryCorpus:
    """A corpus in memory; forked children have their own."""

    def __init__(self, corpus_id="c"):
        self.corpus_id = corpus_id
        self.stored = {}
        self.log = []
        self.cursors = [Cursor(corpus_id, 0, "")]

    def add(self, *nodes):
        for node in nodes:
            self.delete(node.id)
            self._log(("added", len(self.log) + 1))
            self.stored[len(self.log)] = node

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

    def fetch(self, ordinals):
        return [self.stored.get(ordinal) for ordinal in ordinals]

    def get(self, node_ids):
        by_id = {node.id: node for node in self.stored.values()}
        return [by_id.get(node_id) for node_id in node_ids]

    def fields(self):
        return {}


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
    def make(texts=(), corpus_id="c"):
        corpus = MemoryCorpus(corpus_id)
        corpus.add(*(Node(text=text, id=f"n{i}") for i, text in enumerate(texts)))
        return corpus

    return make


@pytest.fixture
def in_child():
    """Run a function in a forked child; whatever it raises fails the test."""

    def run(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0

    return run
