"""The ten nearest of a million vectors, when a filter lets through all of them, or few."""

from pathlib import Path
from time import perf_counter

import directions
import numpy as np
import vector_search
from contest import Contender
from vector_search import Given, K

TITLE = (
    "RetrieverKit, the 10 nearest of 1,000,000 vectors under a filter; the build is to the first answer on reopening"
)
UNIT = "ms"
DISTRIBUTIONS = vector_search.DISTRIBUTIONS
BUILDS = True
AGREEMENT_WITH = None
PROMISES = ()
VECTORS = 1_000_000
JUDGED = 50
RANKS = "rank.i64"


def prepare(folder: Path, scale: float) -> str:
    """Write the vectors and index them; each node has a random rank in its metadata for filters to ask about."""
    from retrieverkit import Index
    from retrieverkit_core import MetadataFilters, Node, QueryBundle

    count = int(VECTORS * scale)
    directions.write(folder, count)
    vectors = directions.read(folder, "vectors.f32")
    ranks = np.random.default_rng(1).permutation(count)
    ranks.tofile(folder / RANKS)
    started = perf_counter()
    with Index.create(folder / "notes.rk", embedding=Given()) as index:
        for start in range(0, count, 10_000):
            part = vectors[start : start + 10_000].tolist()
            index.add_nodes(
                Node(id=str(i), text=f"{i}", metadata={"rank": int(ranks[i])}, embedding=v)
                for i, v in enumerate(part, start)
            )
        stored = perf_counter()
        one = QueryBundle("", embedding=part[0], filters=MetadataFilters.parse("rank < 10"))
        index.retrieve(one, "vector")
    return (
        f"{count:,} vectors of {directions.DIMENSION} numbers, "
        f"stored in {stored - started:.0f} s and indexed in {perf_counter() - stored:.0f} s"
    )


class Filtered(Contender):
    """Opens the index anew, as every process does."""

    share = 1.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from retrieverkit import Index
        from retrieverkit_core import MetadataFilters, QueryBundle

        self.open, self.bundle = Index.open, QueryBundle
        self.queries = directions.read(folder, "queries.f32").tolist()
        self.ranks = np.fromfile(folder / RANKS, np.int64)
        self.most = int(len(self.ranks) * self.share)
        self.filters = None if self.share == 1.0 else MetadataFilters.parse(f"rank < {self.most}")
        self.times: list[float] = []

    def build(self) -> None:
        self.retriever = self.open(self.folder / "notes.rk", embedding=Given()).as_retriever("vector", top_k=K)
        self.call(0)

    def call(self, turn: int) -> object:
        started = perf_counter()
        query = self.bundle("", embedding=self.queries[turn % len(self.queries)], filters=self.filters)
        found = [int(hit.node.id) for hit in self.retriever.retrieve(query)]
        self.times.append(perf_counter() - started)
        return found

    def figures(self) -> dict:
        """Return the 99th percentile of the calls' times, and the share of the true ten that are found."""
        slow = float(np.percentile(self.times[2:], 99))
        vectors = directions.read(self.folder, "vectors.f32")
        passing = np.flatnonzero(self.ranks < self.most)
        queries = np.array(self.queries[:JUDGED], np.float32)
        scores = np.concatenate(
            [queries @ vectors[passing[at : at + 20_000]].T for at in range(0, len(passing), 20_000)], axis=1
        )
        true = passing[np.argpartition(-scores, K - 1, axis=1)[:, :K]]
        found = [len(set(self.call(turn)) & set(true[turn].tolist())) / K for turn in range(JUDGED)]
        return {"p99": slow, "agreement": float(np.mean(found))}


def letting_through(share: float) -> type[Filtered]:
    return type("Filtered", (Filtered,), {"share": share})


CONTENDERS = {
    "no filter": Filtered,
    "50 %": letting_through(0.5),
    "10 %": letting_through(0.1),
    "1 %": letting_through(0.01),
    "0.1 %": letting_through(0.001),
}
