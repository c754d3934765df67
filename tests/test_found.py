"""A composite whose legs find by ordinal answers as one whose legs bring nodes; what is returned is read, once."""

import asyncio
import gc
import math
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index, QueryBundle
from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core import IndexNode, Node, NodeWithScore, hookimpl
from retrieverkit_core.observers import Observers
from retrieverkit_core.threads import WORKERS
from retrieverkit_fusion import FusionRetriever
from retrieverkit_fusion import retriever as fusion
from retrieverkit_vector import VectorRetriever
from retrieverkit_vector.embeddings.hashing import HashEmbedder

WORDS = ["wind", "turbine", "ice", "inlet", "blade", "storm"]
texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


class FetchingBm25(Bm25Retriever):
    """Brings nodes, so that the fusion works on their ids."""

    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        nodes = found.corpus.fetch([ordinal for ordinal, _ in found])
        return [NodeWithScore(node, score) for node, (_, score) in zip(nodes, found) if node is not None]


class CountingCorpus:
    """The corpus, and how many nodes were fetched from it."""

    def __init__(self, corpus):
        self._corpus = corpus
        self.fetched = 0

    def __getattr__(self, name):
        return getattr(self._corpus, name)

    def fetch(self, ordinals):
        self.fetched += len(ordinals)
        return self._corpus.fetch(ordinals)


@pytest.fixture
def index(tmp_path):
    with Index.open(tmp_path / "notes.rk", create=True) as opened:
        yield opened


def corpus_of(index):
    return index.as_retriever("bm25").index.corpus


def legs(index, bm25=Bm25Retriever, corpus=None, **base):
    corpus = corpus or corpus_of(index)
    return [bm25(corpus, index.storage, **base), VectorRetriever(corpus, index.storage, HashEmbedder(), **base)]


def told(result):
    statuses = [(leg.name, leg.state, leg.n, leg.note) for leg in result.legs]
    return [(hit.node, hit.score, hit.evidence) for hit in result], statuses, result.outcome


@settings(max_examples=settings.default.max_examples // 2)
@given(
    stored=st.lists(texts, max_size=12),
    changed=st.lists(st.tuples(st.integers(0, 11), st.none() | texts), max_size=3),
    query=texts,
    top_k=st.none() | st.integers(0, 15),
    method=st.sampled_from(["rrf", "relative_score", "dist_based_score"]),
)
def test_the_answer_is_that_of_legs_which_fetch_their_nodes(tmp_path_factory, stored, changed, query, top_k, method):
    with Index.open(tmp_path_factory.mktemp("index") / "notes.rk", create=True) as index:
        index.add([Document(id=str(number), text=text, metadata={"n": number}) for number, text in enumerate(stored)])
        late = FusionRetriever(legs(index), method=method)
        fetching = FusionRetriever(legs(index, FetchingBm25), method=method)
        late.retrieve("wind")
        for number, text in changed:
            if text is None:
                index.delete([str(number)])
            else:
                index.add([Document(id=str(number), text=text)])
        asked = QueryBundle(query, top_k=top_k)
        expected = told(fetching.retrieve(asked))
        assert told(late.retrieve(asked)) == expected
        assert told(asyncio.run(late.aretrieve(asked))) == expected
        assert told(late.retrieve_many([asked])[0]) == expected


def test_only_what_is_returned_is_fetched(index):
    index.add([Document(id=str(number), text="wind and ice") for number in range(40)])
    corpus = CountingCorpus(corpus_of(index))
    fused = FusionRetriever(legs(index, corpus=corpus))
    assert len(fused.retrieve(QueryBundle("wind", top_k=3))) == 3
    assert corpus.fetched == 3


@pytest.mark.parametrize(
    ("kind", "limits", "together"),
    [(Bm25Retriever, {}, False), (Bm25Retriever, {"timeout": 60}, True), (FetchingBm25, {}, True)],
)
def test_legs_that_compute_for_a_moment_are_asked_by_the_caller(index, monkeypatch, kind, limits, together):
    monkeypatch.setattr(fusion, "_WORTH_THREADS", math.inf)  # so that every time that is known is a moment
    index.add([Document(id=str(number), text="wind and ice") for number in range(20)])
    meeting = threading.Barrier(2 if together else 1, timeout=60)
    asked_in = []

    class Noting(kind):
        def _search(self, reader, query_bundle):
            asked_in.append(threading.get_ident())
            meeting.wait()
            return super()._search(reader, query_bundle)

    quick = FusionRetriever([Noting(corpus_of(index), index.storage) for _ in range(2)])
    if not together:
        quick.retrieve("wind")  # it shows how long the legs take
        asked_in.clear()
    for _ in range(3):
        assert len(quick.retrieve(QueryBundle("wind", **limits))) == 5
    assert (set(asked_in) == {threading.get_ident()}) is not together and len(asked_in) == 6


def test_legs_that_wait_for_a_model_do_so_side_by_side(index):
    index.add([Document(id=str(number), text="wind and ice") for number in range(20)])
    meeting = threading.Barrier(2, timeout=60)

    class Distant(HashEmbedder):
        def embed_queries(self, texts):
            meeting.wait()
            threading.Event().wait(0.02)  # what a network takes
            return super().embed_queries(texts)

    fused = FusionRetriever([VectorRetriever(corpus_of(index), index.storage, Distant()) for _ in range(2)])
    for _ in range(4):
        assert len(fused.retrieve("wind")) == 5


def test_a_cancelled_call_leaves_nothing_whenever_that_is(index):
    index.add([Document(id=str(number), text="wind and ice") for number in range(20)])
    fused = FusionRetriever(legs(index))

    async def cancelled_after(steps):
        running = asyncio.create_task(fused.aretrieve("wind"))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        while WORKERS.busy:  # a thread cannot be cancelled; it is given back once its call ends
            await asyncio.sleep(0)

    async def often():
        await fused.aretrieve("wind")
        await cancelled_after(3)
        gc.collect()
        threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
        for number in range(200):
            await cancelled_after(number % 40)
        gc.collect()
        return threading.active_count() - threads, len(list(Path("/proc/self/fd").iterdir())) - files

    more_threads, more_files = asyncio.run(often())
    assert more_threads <= 0
    assert more_files <= 0
    assert len(fused.retrieve("wind")) == 5


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("change", ["replaced", "deleted", "added"])
def test_the_answer_is_of_one_state_of_a_corpus_that_changes_between_the_legs(index, how, change):
    index.add([Document(id=str(number), text="wind") for number in range(5)])
    before = told(FusionRetriever(legs(index, FetchingBm25), top_k=10).retrieve("wind"))
    changes = {
        "replaced": lambda: index.add([Document(id="3", text="wind and storm")]),
        "deleted": lambda: index.delete(["3"]),
        "added": lambda: index.add([Document(id="5", text="wind wind")]),
    }
    pending = [changes[change]]

    class Interrupted(Bm25Retriever):
        def _search(self, reader, query_bundle):
            found = super()._search(reader, query_bundle)
            if pending:
                pending.pop()()
            return found

    fused = FusionRetriever(legs(index, Interrupted), top_k=10)
    result = asyncio.run(fused.aretrieve("wind")) if how == "async" else fused.retrieve("wind")
    assert pending == []
    after = told(FusionRetriever(legs(index, FetchingBm25), top_k=10).retrieve("wind"))
    # What both legs saw before something was added is an answer too; a node that is gone is in none.
    assert told(result) in ([after, before] if change == "added" else [after])


def test_index_nodes_of_a_leg_lead_on(index):
    index.add_nodes([IndexNode(text="wind", id="pointer", index_id="target"), Node(text="ice", id="plain")])
    behind = Node(text="what is behind", id="behind")
    fused = FusionRetriever(legs(index, object_map={"target": behind}))
    assert [hit.node for hit in fused.retrieve("wind")][0] == behind


def test_observers_of_legs_see_nodes(index):
    index.add([Document(id="a", text="wind")])
    seen = []

    class Watches:
        @hookimpl
        def on_retrieve_end(self, result):
            seen.extend(hit.node.text for hit in result)

    FusionRetriever(legs(index, hooks=Observers.of(Watches()))).retrieve("wind")
    assert seen == ["wind", "wind"]


def test_legs_of_two_corpora_bring_their_nodes(index, tmp_path):
    index.add([Document(id="here", text="wind")])
    with Index.open(tmp_path / "other.rk", create=True) as other:
        other.add([Document(id="there", text="wind")])
        fused = FusionRetriever([legs(index)[0], legs(other)[0]])
        assert {hit.node_id for hit in fused.retrieve("wind")} == {"here", "there"}


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_leg_beside_another_corpus_loses_nothing_that_changes_before_it_is_read(index, tmp_path, change):
    index.add([Document(id=str(number), text="wind") for number in range(3)])

    class Late(Bm25Retriever):
        def _search(self, reader, query_bundle):
            found = super()._search(reader, query_bundle)
            if change == "replaced":
                index.add([Document(id="1", text="wind and storm")])
            else:
                index.delete(["1"])
            return found

    with Index.open(tmp_path / "other.rk", create=True) as other:
        other.add([Document(id="there", text="wind")])
        result = FusionRetriever([legs(index, Late)[0], legs(other)[0]]).retrieve("wind")
    assert {hit.node_id for hit in result} == {"0", "2", "there"} | ({"1"} if change == "replaced" else set())


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_a_leg_that_cannot_be_read_fails_alone(index, tmp_path, how):
    index.add([Document(id="here", text="wind")])
    corpus = CountingCorpus(corpus_of(index))
    corpus.fetch = lambda ordinals: 1 / 0
    with Index.open(tmp_path / "other.rk", create=True) as other:
        other.add([Document(id="there", text="wind")])
        fused = FusionRetriever([legs(index, corpus=corpus)[0], legs(other)[0]])
        answer = {
            "sync": fused.retrieve,
            "async": lambda query: asyncio.run(fused.aretrieve(query)),
            "batch": lambda query: fused.retrieve_many([query])[0],
        }
        result = answer[how]("wind")
    assert [hit.node_id for hit in result] == ["there"]
    assert [leg.state.value for leg in result.legs] == ["failed", "ok"]
    assert isinstance(result.legs[0].error.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("scope", [None, "n >= 30"])
@pytest.mark.parametrize("watched", [False, True])
def test_only_what_is_returned_is_read_under_a_scope_and_observers_too(index, scope, watched):
    index.add([Document(id=str(number), text="wind and ice", metadata={"n": number}) for number in range(40)])
    corpus = CountingCorpus(corpus_of(index))

    class Watches:
        @hookimpl
        def on_retrieve_end(self, result):
            assert len(result) > 0

    hooks = {"hooks": Observers.of(Watches())} if watched else {}
    fused = FusionRetriever(legs(index, corpus=corpus, **hooks), **hooks)
    result = fused.retrieve("wind", top_k=3, scope=scope)
    assert [hit.metadata["n"] >= (30 if scope else 0) for hit in result] == [True] * 3
    assert result.warnings == ()
    assert corpus.fetched == 3


def test_a_batch_reads_what_it_returns(index):
    index.add([Document(id=str(number), text="wind and ice") for number in range(40)])
    corpus = CountingCorpus(corpus_of(index))
    fused = FusionRetriever(legs(index, corpus=corpus))
    results = fused.retrieve_many([QueryBundle("wind", top_k=3), QueryBundle("ice", top_k=2)])
    assert corpus.fetched == 5
    alone = [fused.retrieve("wind", top_k=3), fused.retrieve("ice", top_k=2)]
    assert list(map(told, results)) == list(map(told, alone))
