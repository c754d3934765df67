"""Legs that the tests of fusion share: real retrievers over lists."""

import pytest

from retrieverkit_core import BaseRetriever, Node, NodeWithScore, ScoreKind, ScoreSpec


class Listed(BaseRetriever):
    """A leg that answers every query with the same list of (id, score), best first."""

    def __init__(self, name, found, *, kind=ScoreKind.RELEVANCE, higher_is_better=True, default_top_k=5):
        super().__init__()
        self.name = name
        self.scores = ScoreSpec(kind, higher_is_better)
        self.default_top_k = default_top_k
        self.found = [NodeWithScore(Node(id=i, text=f"text of {i}"), score) for i, score in found]
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        return self.found[: query_bundle.top_k]


class Calls(BaseRetriever):
    """A leg whose author's code is the function given."""

    def __init__(self, name, function, scores=None, **base):
        super().__init__(**base)
        self.name = name
        self.scores = scores or ScoreSpec(ScoreKind.RELEVANCE)
        self.function = function

    def _retrieve(self, query_bundle):
        return self.function(query_bundle)


class Awaits(BaseRetriever):
    """A leg whose author's code is the coroutine function given."""

    def __init__(self, name, function):
        super().__init__()
        self.name = name
        self.scores = ScoreSpec(ScoreKind.RELEVANCE)
        self.function = function

    async def _aretrieve(self, query_bundle):
        return await self.function(query_bundle)


@pytest.fixture(scope="session")
def listed():
    return Listed


@pytest.fixture(scope="session")
def calls():
    return Calls


@pytest.fixture(scope="session")
def awaits():
    return Awaits


@pytest.fixture(scope="session")
def hits():
    """Make hits of ids, best first."""

    def make(*ids, **metadata):
        return [NodeWithScore(Node(id=i, metadata=metadata), 1.0 - at / 100) for at, i in enumerate(ids)]

    return make
