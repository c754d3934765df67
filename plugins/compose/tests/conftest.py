"""What the tests of the modes share: retrievers over lists, and whatever the legs of real modes need."""

import threading

import pytest

from retrieverkit_core import BaseRetriever, FilterCapabilities, Node, NodeWithScore, ScoreKind, ScoreSpec


class Listed(BaseRetriever):
    """Answers every query with the same hits, best first, as far as its filters let them pass."""

    filter_capabilities = FilterCapabilities(delegates=True)

    def __init__(self, hits, name="listed", **base):
        super().__init__(**base)
        self.name = name
        self.scores = ScoreSpec(ScoreKind.RELEVANCE)
        self.default_top_k = 5
        self.hits = [hit if isinstance(hit, NodeWithScore) else NodeWithScore(hit, 1.0) for hit in hits]
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        wanted = [tree for tree in (query_bundle.filters, query_bundle.scope) if tree is not None]
        passing = [hit for hit in self.hits if all(tree.admits(hit.node) for tree in wanted)]
        return passing[: query_bundle.top_k]


class Hangs(BaseRetriever):
    """Never answers, until it is released."""

    default_top_k = 5

    def __init__(self, released):
        super().__init__()
        self.name = "hangs"
        self.released = released

    def _retrieve(self, query_bundle):
        self.released.wait(60)
        return []


@pytest.fixture(scope="session")
def listed():
    return Listed


@pytest.fixture
def hangs():
    released = threading.Event()
    yield Hangs(released)
    released.set()


@pytest.fixture(scope="session")
def nodes():
    """Make nodes of texts, with ids n0, n1, …"""

    def make(*texts, **metadata):
        return [Node(text=text, id=f"n{at}", metadata=dict(metadata)) for at, text in enumerate(texts)]

    return make
