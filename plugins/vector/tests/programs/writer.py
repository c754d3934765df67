"""Adds, changes and deletes documents for ever, asks after each change, and prints each change that is committed.

Limits are so small that segments are merged, rows compacted, models fitted anew and graphs made all the time.
"""

import hashlib
import json
import random
import sys

import numpy as np

from retrieverkit import Document, Index
from retrieverkit_vector import graph, index, reader

index.MAX_REMOVED_SHARE = 0.1
index.MAX_TAIL = 8
reader.GATHERED_UP_TO = 10
graph._SAMPLE = 4


class Words:
    """The vector of a text is the sum of its words', which are drawn by their hash."""

    dimension = 24
    fingerprint = "words"

    def embed_documents(self, texts):
        return np.array([sum(map(self.word, text.split()), np.zeros(24)) for text in texts], np.float32)

    embed_queries = embed_documents

    def word(self, word):
        return np.random.default_rng(list(hashlib.sha256(word.encode()).digest())).standard_normal(24)


class Fitted:
    """The same, fitted to nothing; kept in a file."""

    fingerprint = "fitted"

    def in_language(self, language):
        return self

    def fit(self, texts, folder):
        (folder / "a").write_text("a" * 5000, "utf-8")
        (folder / "b").write_text(str(len(texts)), "utf-8")

    def load(self, folder):
        assert (folder / "a").read_text("utf-8") == "a" * 5000
        return Words()

    def outgrown(self, fitted_on, added, removed):
        return added + removed > 10


def main(folder, kind, seed, graph_from):
    index.GRAPH_FROM = int(graph_from)
    rng = random.Random(int(seed))
    opened = Index.open(folder, create=True, embedding=Fitted() if kind == "fitted" else Words())
    retriever = opened.as_retriever("vector")
    ids = set(opened.document_ids())
    while True:
        if ids and rng.random() < 0.3:
            some = rng.sample(sorted(ids), min(len(ids), rng.randint(1, 6)))
            print(json.dumps(["deleting", some]), flush=True)
            opened.delete(some)
            ids -= set(some)
            print(json.dumps(["deleted", some]), flush=True)
        else:
            some = [f"d{rng.randrange(120)}" for _ in range(rng.randint(1, 12))]
            texts = {doc_id: f"{doc_id} version{rng.randrange(10**9)}" for doc_id in some}
            print(json.dumps(["adding", texts]), flush=True)
            opened.add([Document(id=doc_id, text=text) for doc_id, text in texts.items()])
            ids |= set(some)
            print(json.dumps(["added", texts]), flush=True)
        retriever.retrieve("anything")


if __name__ == "__main__":
    main(*sys.argv[1:])
