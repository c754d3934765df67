"""`summary_embedding`: nodes that are near in meaning, embedded when they are first asked about."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core.errors import EndpointError, QueryError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome
from retrieverkit_summary import SummaryEmbeddingRetriever
from retrieverkit_testkit import children

WORDS = ["heron", "gull", "owl", "night", "sea", "tree"]


class WordModel:
    """Adds up a vector for each word; counts the texts that it is asked for."""

    dimension = 8
    fingerprint = "words-1"
    texts_per_call = 2

    def __init__(self, fails_at=None):
        self.asked = []
        self.fails_at = fails_at

    def embed_documents(self, texts):
        if self.fails_at is not None and len(self.asked) + len(texts) > self.fails_at:
            raise EndpointError("too many requests", status=429, retryable=True)
        self.asked += texts
        return self.embed_queries(texts)

    def embed_queries(self, texts):
        return np.array([sum(map(self._word, text.split()), np.zeros(8)) for text in texts], np.float32)

    def _word(self, word):
        return np.random.default_rng(list(word.encode())).standard_normal(8)

    def paid_for(self):
        return [text for text in self.asked if "turbine" not in text and "Lissabon" not in text and "def " not in text]


def index_of(texts, model, **settings):
    documents = [Document(text, id=f"d{at}", metadata={"at": at}) for at, text in enumerate(texts)]
    return Index.from_documents(documents, embedding=model, **settings)


def ids(result):
    return [hit.ref_doc_id for hit in result]


def by_brute_force(model, query, texts):
    vectors = [row.astype(np.float64) for row in model.embed_queries([query, *texts])]
    near = [float(v @ vectors[0] / np.linalg.norm(v) / np.linalg.norm(vectors[0])) for v in vectors[1:]]
    return {f"d{at}": score for at, score in enumerate(near)}


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=12),
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    least=st.integers(0, 8),
    top_k=st.integers(1, 12),
)
def test_the_nearest_of_what_passes_come_first(texts, query, least, top_k):
    model = WordModel()
    expected = {id_: near for id_, near in by_brute_force(model, query, texts).items() if int(id_[1:]) >= least}
    with index_of(texts, model) as index:
        retriever = index.as_retriever("summary_embedding")
        result = retriever.retrieve(query, top_k=top_k, filters=f"at >= {least}")
        assert list(result) == list(asyncio.run(retriever.aretrieve(query, top_k=top_k, filters=f"at >= {least}")))
    assert len(result) == min(top_k, len(expected))
    for hit in result:
        assert hit.score == pytest.approx(expected[hit.ref_doc_id], abs=1e-5)
    left_out = [score for id_, score in expected.items() if id_ not in ids(result)]
    assert all(score <= result[-1].score + 1e-5 for score in left_out)
    for before, after in zip(result, result[1:], strict=False):
        assert before.score > after.score or int(before.ref_doc_id[1:]) < int(after.ref_doc_id[1:])


@pytest.mark.needs("retrieverkit_vector")
def test_only_what_a_query_reaches_is_embedded_and_once():
    model = WordModel()
    with index_of(WORDS, model) as index:
        retriever = index.as_retriever("summary_embedding")
        retriever.retrieve("owl", filters="at >= 4")
        assert sorted(model.paid_for()) == ["sea", "tree"]
        retriever.retrieve("owl", filters="at >= 3")
        assert sorted(model.paid_for()) == ["night", "sea", "tree"]
        index.add(Document("gull", id="new", metadata={"at": 9}))
        assert ids(retriever.retrieve("gull", top_k=2)) == ["d1", "new"], "equal texts are equally near, in order"
        assert sorted(model.paid_for()) == sorted(WORDS)
        another = SummaryEmbeddingRetriever(index.corpus, index.storage, model)
        assert list(another.retrieve("sea")) == list(retriever.retrieve("sea"))
        index.retrieve("sea", "vector")
        assert sorted(model.paid_for()) == sorted(WORDS), "what was paid for is kept for other instances and for vector"
        index.delete(["d1"])
        assert ids(retriever.retrieve("gull", top_k=1)) == ["new"]


def test_a_model_that_fails_on_the_way_is_not_paid_again_for_what_it_gave():
    model = WordModel(fails_at=400)
    texts = [f"heron {WORDS[at % 6]} w{at}" for at in range(600)]
    with index_of(texts, model) as index:
        retriever = index.as_retriever("summary_embedding")
        with pytest.raises(EndpointError):
            retriever.retrieve("heron")
        paid = len(model.paid_for())
        assert paid >= 256
        model.fails_at = None
        assert len(retriever.retrieve("heron", top_k=600)) == 600
        assert len(model.paid_for()) == 600


def test_other_searched_fields_are_other_texts():
    model = WordModel()
    documents = [Document("owl", id="a", metadata={"title": "sea", "kind": "gull"}), Document("owl", id="b")]
    with Index.from_documents(documents, embedding=model) as index:
        retriever = index.as_retriever("summary_embedding")
        assert ids(retriever.retrieve("sea", top_k=1)) == ["a"]
        first = retriever.retrieve("gull", top_k=2)
        index.configure(searched=("kind",))
        second = retriever.retrieve("gull", top_k=2)
        assert second[0].score > first[0].score


@pytest.mark.needs("retrieverkit_vector")
def test_a_query_may_bring_its_vector_and_one_without_meaning_finds_nothing():
    model = WordModel()
    with index_of(WORDS, model) as index:
        retriever = index.as_retriever("summary_embedding")
        assert ids(retriever.retrieve(QueryBundle("", embedding=model._word("owl")), top_k=1)) == ["d2"]
        with pytest.raises(QueryError, match="8"):
            retriever.retrieve(QueryBundle("owl", embedding=[1.0, 2.0]))
        custom = QueryBundle("x", custom_embedding_strs=["owl", "night"])
        assert set(ids(retriever.retrieve(custom, top_k=2))) == {"d2", "d3"}
        lsa = index.as_retriever("summary_embedding(embedding='lsa')")
        assert lsa.retrieve("zebra").outcome is Outcome.EMPTY
        assert ids(lsa.retrieve("owl", top_k=1)) == ["d2"]


def test_nodes_that_are_longer_than_the_model_reads_are_counted():
    class Short(WordModel):
        max_tokens = 2

        def longer(self, texts):
            return [len(text.split()) > 2 for text in texts]

    with index_of(["owl", "owl at night", "gull at sea"], Short()) as index:
        retriever = index.as_retriever("summary_embedding")
        for limits, count in (({}, "2 nodes are"), ({"filters": "at >= 2"}, "1 node is"), ({}, "2 nodes are")):
            assert any(count in note for note in retriever.retrieve("owl", **limits).notes)
        assert not any("longer" in note for note in retriever.retrieve("owl", scope="at < 1").notes)


@pytest.mark.needs("retrieverkit_vector")
def test_a_plan_says_how_many_requests_it_takes_at_most():
    model = WordModel()
    with index_of(WORDS, model) as index:
        retriever = index.as_retriever("summary_embedding")
        plan = retriever.plan("owl", filters="at >= 1")
        assert (model.asked, plan.complete, plan.total("embedding_calls")) == ([], True, 3 + 1)
        assert not list(index.storage.glob("*"))
        assert index.as_retriever("summary_embedding(embedding='lsa')").plan("owl").total("embedding_calls") == 0


def test_threads_pay_once_and_a_forked_child_goes_on():
    model = WordModel()
    with index_of([f"{word} {at}" for at, word in enumerate(WORDS * 20)], model) as index:
        retriever = index.as_retriever("summary_embedding")
        found = []
        threads = [threading.Thread(target=lambda: found.append(list(retriever.retrieve("owl")))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == found[:1] * 8
        assert len(model.paid_for()) == 120
        with retriever._vectors[1]._turn.taken():  # as another thread of the parent may hold it

            def in_child():
                assert list(retriever.retrieve("owl")) == found[0]

            assert children.in_child(in_child) == 0
