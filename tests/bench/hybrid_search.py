"""A hybrid query, and the same query to each of its legs for as many candidates as hybrid asks of it."""

from collections.abc import Callable
from pathlib import Path

import zipf
from contest import OURS, Contender

DISTRIBUTIONS = ("retrieverkit", "retrieverkit-fusion", "retrieverkit-bm25", "retrieverkit-vector")
EMBEDDING = "lsa"
K = 10
CANDIDATES = 100
LEGS = ("its leg bm25", "its leg vector")


def title(documents: int) -> str:
    return f"Hybrid, k={K}, and its legs with {CANDIDATES} candidates, {documents:,} documents"


def prepare(documents: int) -> Callable[[Path, float], str]:
    """Return what writes so many documents, indexes them for all modes and says how many there are."""

    def write(folder: Path, scale: float) -> str:
        from retrieverkit import Document, Index

        zipf.write(folder, int(documents * scale))
        texts = zipf.read(folder, "corpus.txt")
        with Index.create(folder / "notes.rk", embedding=EMBEDDING) as index:
            index.add(
                Document(id=str(i), text=text, metadata={"tenant": f"t{i % 4}", "year": 1950 + i % 70})
                for i, text in enumerate(texts)
            )
            index.retrieve(zipf.read(folder, "queries.txt")[0], "hybrid")
        return f"{int(documents * scale):,} documents of about {zipf.WORDS} words, embedding {EMBEDDING}"

    return write


class Hybrid(Contender):
    mode, top_k = "hybrid", K

    def build(self) -> None:
        from retrieverkit import Index

        self.queries = zipf.read(self.folder, "queries.txt")
        self.index = Index.open(self.folder / "notes.rk", embedding=EMBEDDING)
        self.retriever = self.index.as_retriever(self.mode, top_k=self.top_k)

    def call(self, turn: int) -> object:
        return [hit.node_id for hit in self.retriever.retrieve(self.queries[turn % len(self.queries)])]


class Bm25Leg(Hybrid):
    mode, top_k = "bm25", CANDIDATES


class VectorLeg(Hybrid):
    mode, top_k = "vector", CANDIDATES


CONTENDERS = dict(zip((OURS, *LEGS), (Hybrid, Bm25Leg, VectorLeg), strict=True))
