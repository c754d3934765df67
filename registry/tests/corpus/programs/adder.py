"""Adds documents one by one, each in a transaction of its own."""

import sys

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.nodes import Document, Node

path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with SQLiteCorpus.open(path) as corpus:
    for number in range(count):
        doc_id = f"{name}-{number}"
        report = corpus.replace([(Document(doc_id, doc_id), [Node(doc_id, doc_id + "#")])])
        assert report.added == (doc_id,)
print(corpus)
