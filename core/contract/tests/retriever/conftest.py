"""Retrievers and hits that the tests of the contract share."""

from collections.abc import Callable

import pytest

from retrieverkit_core import BaseRetriever, Node, NodeWithScore, ScoreKind, ScoreSpec

SIMILARITY = ScoreSpec(kind=ScoreKind.SIMILARITY, lower_bound=-1.0, upper_bound=1.0)


def hit(node_id: str, score: float | None = None, **metadata: object) -> NodeWithScore:
    return NodeWithScore(Node(id=node_id, text=f"text of {node_id}", metadata=metadata), score)


class Returns(BaseRetriever):
    """A retriever whose author returns a fixed value."""

    def __init__(self, value, **kwargs):
        super().__init__(**kwargs)
        self.value = value
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        return self.value


@pytest.fixture
def make_hit() -> Callable[..., NodeWithScore]:
    return hit


@pytest.fixture
def returns():
    return Returns


@pytest.fixture
def similarity() -> ScoreSpec:
    return SIMILARITY
