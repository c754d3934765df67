"""Adds documents one batch after the other, searching in between; says what is committed before it goes on.

Arguments: folder, first number, how many batches, documents a batch, mode.
"""

import sys

from retrieverkit import Document, Index


def main(folder, first, batches, size, mode):
    index = Index.open(folder, create=True)
    retriever = index.as_retriever(mode, top_k=100_000)
    for batch in range(batches):
        start = first + batch * size
        documents = [
            Document(f"common words and token{n} of batch{start}", id=f"d{n}", metadata={"n": n, "batch": start})
            for n in range(start, start + size)
        ]
        index.add(documents)
        print(f"added {start} {start + size}", flush=True)
        assert {d.id for d in documents} <= {hit.ref_doc_id for hit in retriever.retrieve("common words")}
        if batch % 4 == 3:
            index.delete([f"d{start}"])
            print(f"deleted {start}", flush=True)


if __name__ == "__main__":
    folder, first, batches, size, mode = sys.argv[1:]
    main(folder, int(first), int(batches), int(size), mode)
