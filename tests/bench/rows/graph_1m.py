"""A graph of a million relations: hops from a name, relations that say what a query says, and personalised PageRank."""

from pathlib import Path
from time import process_time

import relations
from contest import Contender
from graph_search import Hops, graph_of, walked

TITLE = "RetrieverKit, 1,000,000 random relations; the build is to the first answer on reopening"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-property-graph",)
BUILDS = True
AGREEMENT_WITH = None
PROMISES = ()
RELATIONS = 1_000_000
FACTS = 5
PPR = "graph_ppr(extract='given', passage_weight=0.0, synonyms=False)"


def prepare(folder: Path, scale: float) -> str:
    from retrieverkit import Index

    count = int(RELATIONS * scale)
    relations.write(folder, count)
    with Index.create(folder / "graph.rk") as index:
        index.add(relations.documents(folder))
        stored = process_time()
        graph = graph_of(index)
        graph.reader()
        built = process_time()
        megabytes = graph.status().size / 1e6
    return (
        f"{count:,} relations between {count // 5:,} names, ten per document; the graph built in "
        f"{built - stored:.0f} s of processor time, {megabytes:.0f} MB"
    )


class Reopened(Contender):
    """Opens the index again, as every process does."""

    allowed = None

    def build(self) -> None:
        from retrieverkit import Index

        self.asked = relations.asked(self.folder)
        self.index = Index.open(self.folder / "graph.rk")
        self.graph = graph_of(self.index)
        self.call(0)

    def view(self):
        return self.graph.reader().view(self.allowed)


class OneHop(Reopened, Hops):
    def around(self, name: str) -> list[str]:
        return walked(self.view, name, self.depth)


class TwoHops(OneHop):
    depth = 2


class TwoHopsOfOneTenant(TwoHops):
    """The nodes of a tenant, a tenth of all, are known beforehand."""

    def build(self) -> None:
        import numpy as np

        with (self.folder / "relations.txt").open("rb") as lines:
            count = sum(1 for _ in lines)
        self.allowed = np.arange(1, count // relations.PER_DOCUMENT + 1, relations.TENANTS)
        super().build()


class Facts(Reopened):
    """The first call reads the whole graph into memory."""

    def call(self, turn: int) -> list[int]:
        with self.view() as graph:
            return [relation for relation, _ in graph.facts(self.asked[turn % len(self.asked)], FACTS)]


class PersonalisedPageRank(Contender):
    """End to end, from a name to hits; the graph alone decides. The first call makes the network."""

    def build(self) -> None:
        from retrieverkit import Index

        self.asked = relations.asked(self.folder)
        self.index = Index.open(self.folder / "graph.rk")
        self.retriever = self.index.as_retriever(PPR)
        self.call(0)

    def call(self, turn: int) -> list[str]:
        return [hit.node.id for hit in self.retriever.retrieve(self.asked[turn % len(self.asked)])]


CONTENDERS = {
    "one hop": OneHop,
    "two hops": TwoHops,
    "two hops, a tenth of the nodes": TwoHopsOfOneTenant,
    f"the {FACTS} best facts": Facts,
    "graph_ppr": PersonalisedPageRank,
}
