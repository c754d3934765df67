"""What is added and deleted again leaves no trace in a fitted model."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_vector import VectorRetriever
from retrieverkit_vector.embeddings.lsa import embedding
from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding

WORDS = [f"w{i}o" for i in range(40)]


class Kept:
    """A corpus and a retriever over it that is asked now and then."""

    def __init__(self, folder, dimensions=4):
        self.corpus = MemoryCorpus("c")
        self.retriever = VectorRetriever(self.corpus, folder, LsaEmbedding(dimensions), embedding_spec="lsa")
        self.asks("w1o")

    def adds(self, name, count, words=WORDS, extra=""):
        random.seed(name)
        self.corpus.add(
            *(Node(id=f"{name}{i}", text=" ".join([*random.choices(words, k=6), extra])) for i in range(count))
        )

    def asks(self, words):
        hits = self.retriever.retrieve(QueryBundle(words, top_k=10_000))
        return [(hit.node.id, hit.score) for hit in hits]

    def answers(self):
        model = self.retriever.index.reader().embed_queries.__self__.fingerprint
        return model, [self.asks(f"{a} {b}") for a, b in zip(WORDS[:6], WORDS[20:26], strict=True)]


sizes = st.integers(1, 30)


@pytest.mark.slow
@given(st.data())
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_added_and_deleted_is_as_never_added(monkeypatch_small, tmp_path_factory, data):
    asked = st.booleans()
    never, ever = Kept(tmp_path_factory.mktemp("never")), Kept(tmp_path_factory.mktemp("ever"))
    for number, size in enumerate([20 + data.draw(sizes), *data.draw(st.lists(sizes, max_size=3))]):
        for kept in (never, ever):
            kept.adds(f"base{number}-", size)
            kept.asks("w1o")
    extra = []
    for number, size in enumerate(data.draw(st.lists(sizes, min_size=1, max_size=4))):
        ever.adds(f"extra{number}-", size, extra="secret")
        extra += [f"extra{number}-{i}" for i in range(size)]
        if data.draw(asked):
            ever.asks("secret")
    gone = data.draw(st.permutations(extra))
    while gone:
        part = data.draw(st.integers(1, len(gone)))
        ever.corpus.delete(*gone[:part])
        gone = gone[part:]
        if data.draw(asked):
            ever.asks("w1o")
    assert ever.answers() == never.answers()
    assert ever.asks("secret") == []


@pytest.fixture(scope="module")
def monkeypatch_small():
    """Let 20 texts be as many as 1,000 are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "_SMALL", 20)
        yield


def test_two_hundred_of_twelve_hundred(tmp_path):
    never, ever = Kept(tmp_path / "never", 16), Kept(tmp_path / "ever", 16)
    for kept in (never, ever):
        kept.adds("base", 1000, words=WORDS[:30])
        kept.asks("w1o")
    ever.adds("more", 210, words=WORDS[30:], extra="secret")
    assert len(ever.asks("secret")) >= 210
    ever.corpus.delete(*(f"more{i}" for i in range(210)))
    assert ever.asks("secret") == []
    assert ever.answers() == never.answers()


def test_a_few_deleted_texts_are_forgotten_with_the_next_fit(tmp_path):
    kept = Kept(tmp_path)
    kept.adds("base", 1000)
    kept.adds("more", 30, extra="secret")
    kept.asks("w1o")
    kept.corpus.delete(*(f"more{i}" for i in range(30)))
    assert kept.asks("secret")  # the word stays known
    before = kept.retriever.index.reader().embed_queries.__self__.fingerprint
    kept.corpus.delete(*(f"base{i}" for i in range(150)))
    assert kept.retriever.index.status().rebuilds == 0
    kept.retriever.index.rebuild("a reader asks for it")
    after = kept.retriever.index.reader().embed_queries.__self__.fingerprint
    assert kept.asks("secret") == [] and after != before
