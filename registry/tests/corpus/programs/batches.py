"""Rewrites batches of documents for ever, and tells on its output what it begins and what is committed."""

import sys
from itertools import count

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.nodes import Document, Node

BATCHES, DOCUMENTS, NODES = 5, 4, 3


def document(batch, number, version):
    doc_id = f"{batch}/{number}"
    text = f"{doc_id} version {version} " * 20
    nodes = [Node(f"{text}{i}", f"{doc_id}#{i}", {"version": version}) for i in range(NODES)]
    return Document(text, doc_id, {"version": version}), nodes


corpus = SQLiteCorpus.open(sys.argv[1])
for version in count(int(sys.argv[2])):
    batch = version % BATCHES
    print("begin", batch, version, flush=True)
    if version % 7 == 6:
        corpus.delete([f"{batch}/{number}" for number in range(DOCUMENTS)])
        print("deleted", batch, version, flush=True)
    else:
        corpus.replace(document(batch, number, version) for number in range(DOCUMENTS))
        print("written", batch, version, flush=True)
