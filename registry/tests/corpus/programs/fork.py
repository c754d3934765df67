"""Forks with connections open: one child reads and writes, one does nothing, both end as Python programs do."""

import os
import sys

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import CorpusError
from retrieverkit_core.nodes import Document, Node


def add(corpus, doc_id):
    return corpus.replace([(Document(doc_id, doc_id), [Node(doc_id, doc_id + "#")])])


def child_uses(corpus, snapshot):
    assert corpus.count() == 1
    add(corpus, "child")
    assert corpus.count() == 2
    try:
        snapshot.count()
    except CorpusError:
        return
    raise AssertionError("a snapshot of the parent was read in the child")


def forked(action):
    pid = os.fork()
    if not pid:
        action()
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


corpus = SQLiteCorpus.open(sys.argv[1])
add(corpus, "parent")
with corpus.snapshot() as snapshot:
    forked(lambda: child_uses(corpus, snapshot))
    forked(lambda: None)
    assert snapshot.count() == 1
add(corpus, "parent, later")
assert corpus.document_ids() == ["parent", "child", "parent, later"]
assert corpus.check() == []
corpus.close()
