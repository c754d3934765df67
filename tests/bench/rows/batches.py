"""Sixty-four queries in one `retrieve_many`, and the same one by one."""

import hybrid_search
from contest import Promise
from hybrid_search import Hybrid, K

TITLE = "64 queries to 20,000 documents: retrieve_many, and one by one"
UNIT = "ms"
DISTRIBUTIONS = hybrid_search.DISTRIBUTIONS
BUILDS = False
AGREEMENT_WITH = None
QUERIES = 64
ITEMS = ("queries", QUERIES)
MODES = ("bm25", "vector", "hybrid")
PROMISES = tuple(Promise(f"{mode}, one by one", 1.0, of=f"{mode}, retrieve_many") for mode in MODES)
prepare = hybrid_search.prepare(20_000)


class OneByOne(Hybrid):
    top_k = K

    def batch(self, turn: int) -> list[str]:
        start = turn * QUERIES % (len(self.queries) - QUERIES)
        return self.queries[start : start + QUERIES]

    def call(self, turn: int) -> object:
        return [[hit.node_id for hit in self.retriever.retrieve(query)] for query in self.batch(turn)]


class Together(OneByOne):
    def call(self, turn: int) -> object:
        return [[hit.node_id for hit in result] for result in self.retriever.retrieve_many(self.batch(turn))]


CONTENDERS = {
    f"{mode}, {name}": type(kind.__name__, (kind,), {"mode": mode})
    for mode in MODES
    for name, kind in (("one by one", OneByOne), ("retrieve_many", Together))
}
