"""A graph of 20,000 relations: from a name to every relation within one and within two steps."""

from pathlib import Path

import relations
from contest import Promise
from graph_search import Hops, graph_of, walked

TITLE = "20,000 random relations: all within two of a name"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-property-graph", "llama-index-core")
BUILDS = True
AGREEMENT_WITH = "LlamaIndex"
PROMISES = (
    Promise("LlamaIndex", 1 / 5),
    Promise("LlamaIndex, one relation away", 1 / 10, of="RetrieverKit, one relation away"),
)
RELATIONS = 20_000


def prepare(folder: Path, scale: float) -> str:
    count = int(RELATIONS * scale)
    relations.write(folder, count)
    return f"{count:,} relations between {count // 5:,} names, ten per document"


class RetrieverKit(Hops):
    """On disk: the documents, and the graph derived from them. The build stores both."""

    depth = 2

    def build(self) -> None:
        from retrieverkit import Index

        self.index = Index.create(self.folder / f"{self.depth}.rk")
        self.index.add(relations.documents(self.folder))
        self.graph = graph_of(self.index)
        self.graph.reader()

    def around(self, name: str) -> list[str]:
        return walked(lambda: self.graph.reader().view(None), name, self.depth)


class LlamaIndex(Hops):
    """`SimplePropertyGraphStore`, in memory."""

    depth = 2

    def build(self) -> None:
        from llama_index.core.graph_stores import SimplePropertyGraphStore
        from llama_index.core.graph_stores.types import EntityNode, Relation

        self.store = SimplePropertyGraphStore()
        rows = list(relations.read(self.folder))
        self.store.upsert_nodes([EntityNode(name=name) for name in {end for row in rows for end in row[::2]}])
        self.store.upsert_relations([Relation(source_id=s, label=label, target_id=o) for s, label, o in rows])

    def around(self, name: str) -> list[str]:
        found = self.store.get_rel_map(self.store.get(ids=[name]), depth=self.depth, limit=1_000_000)
        return sorted({f"{s.id} {relation.label} {o.id}" for s, relation, o in found})


def one_away(contender: type[Hops]) -> type[Hops]:
    return type(contender.__name__, (contender,), {"depth": 1})


CONTENDERS = {
    "RetrieverKit": RetrieverKit,
    "RetrieverKit, one relation away": one_away(RetrieverKit),
    "LlamaIndex": LlamaIndex,
    "LlamaIndex, one relation away": one_away(LlamaIndex),
}
