"""Adds documents until there is no space, and goes on when there is."""

import os
import resource
import signal
import sys

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.errors import StorageFullError
from retrieverkit_core.nodes import Document, Node


def add(corpus, number, size):
    doc_id = f"doc-{number}"
    corpus.replace([(Document(doc_id * size, doc_id), [Node(doc_id * size, doc_id + "#")])])


def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


path, how, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ballast = os.path.join(os.path.dirname(path), "ballast")
if how == "ballast":
    with open(ballast, "wb") as file:
        file.write(bytes(65536))
corpus = SQLiteCorpus.open(path)
add(corpus, 0, 1)
if how == "limit":
    limit(int(sys.argv[4]))
stored = 1
try:
    while True:
        add(corpus, stored, size)
        stored += 1
except StorageFullError as error:
    assert error.fix
    assert error.retryable
assert corpus.document_ids() == [f"doc-{number}" for number in range(stored)]
assert corpus.check() == []
if how == "limit":
    limit(resource.RLIM_INFINITY)
else:
    os.remove(ballast)
add(corpus, stored, size)
assert corpus.count() == stored + 1
assert corpus.check() == []
corpus.close()
with SQLiteCorpus.open(path) as corpus:
    assert corpus.check() == []
    assert corpus.count() == stored + 1
print(stored)
