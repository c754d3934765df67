"""Uses a corpus as a user who may not write to it."""

import os
import sys

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import ReadOnlyCorpusError
from retrieverkit_core.nodes import Document, Node


def refused(action):
    try:
        action()
    except ReadOnlyCorpusError as error:
        return bool(error.fix)
    return False


folder, state = sys.argv[1], sys.argv[2]
path = os.path.join(folder, "corpus.sqlite")
assert not os.access(folder, os.W_OK)
if state in ("log", "absent"):
    assert refused(lambda: SQLiteCorpus.open(path))
else:
    for read_only in (True, False):
        with SQLiteCorpus.open(path, read_only=read_only) as corpus:
            assert not corpus.writable
            assert corpus.document_ids() == ["a", "b"]
            assert corpus.check() == []
            assert refused(lambda: corpus.replace([(Document("c", "c"), [Node("c", "c#")])]))
            assert refused(lambda: corpus.delete(["a"]))
            with corpus.snapshot() as snapshot:
                assert snapshot.count() == 4
