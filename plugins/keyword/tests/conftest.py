import pytest

from retrieverkit_core.nodes import Node
from retrieverkit_testkit import children
from retrieverkit_testkit.memory_corpus import MemoryCorpus


@pytest.fixture
def new_corpus():
    def make(texts=(), corpus_id="c"):
        corpus = MemoryCorpus(corpus_id)
        corpus.add(*(Node(text=text, id=f"n{i}") for i, text in enumerate(texts)))
        return corpus

    return make


@pytest.fixture
def in_child():
    """Run a function in a forked child; whatever it raises fails the test."""

    def run(work):
        assert children.in_child(work) == 0

    return run
