"""Within one look a corpus keeps its state for who searches it, but for what the searcher writes himself."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from retrieverkit import Document, Index
from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core import BaseRetriever
from retrieverkit_core.nodes import Node
from retrieverkit_core.one_look import one_look


def add(corpus, name):
    corpus.replace([(Document(id=name, text=name), [Node(id=name, text=name)])])


@pytest.fixture
def corpus(tmp_path):
    with SQLiteCorpus.open(tmp_path / "corpus.sqlite") as corpus:
        add(corpus, "first")
        yield corpus


def test_what_others_commit_is_seen_after_the_block(corpus):
    before = corpus.head()
    with SQLiteCorpus.open(corpus.path) as other, one_look():
        assert corpus.head() == before
        add(other, "second")
        assert corpus.head() == before and other.head() != before
        with one_look():
            assert corpus.head() == other.head()
        assert corpus.head() == before
    assert corpus.head() != before


def test_what_the_block_writes_itself_is_seen_at_once(corpus):
    with one_look():
        before = corpus.head()
        add(corpus, "second")
        assert corpus.head() != before
        assert corpus.fields() == {} and len(corpus.get(["second"])) == 1


class Writes(BaseRetriever):
    """Adds a document while it is asked, and returns what is then found."""

    name = "writes"

    def __init__(self, index, by):
        super().__init__()
        self.index, self.by, self.found = index, by, []

    def _retrieve(self, query_bundle):
        self.by.add([Document(id="new", text="coolant pump again")])
        self.found = [hit.node_id for hit in self.index.retrieve(query_bundle.query_str, "bm25")]
        return []


@pytest.fixture
def plant(tmp_path):
    with Index.create(tmp_path / "plant.rk") as index:
        index.add([Document(id="old", text="coolant pump")])
        index.retrieve("pump", "bm25")
        yield index


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.needs("retrieverkit_fusion")
@pytest.mark.parametrize("asks", [lambda r: r.retrieve("pump"), lambda r: asyncio.run(r.aretrieve("pump"))])
def test_more_legs_take_no_more_looks(plant, monkeypatch, asks):
    from retrieverkit_fusion.retriever import FusionRetriever

    looks = []
    look = SQLiteCorpus._head
    monkeypatch.setattr(SQLiteCorpus, "_head", lambda corpus: looks.append(corpus) or look(corpus))

    def looks_of(legs):
        fusion = FusionRetriever([plant.as_retriever("bm25") for _ in range(legs)], concurrency=1)
        asks(fusion)
        looks.clear()
        assert len(asks(fusion)) == 1
        return len(looks)

    assert looks_of(6) == looks_of(2) > 0


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.needs("retrieverkit_fusion")
@pytest.mark.parametrize("asks", [lambda r: r.retrieve("pump"), lambda r: asyncio.run(r.aretrieve("pump"))])
def test_a_leg_finds_what_it_has_added_itself(plant, asks):
    from retrieverkit_fusion.retriever import FusionRetriever

    leg = Writes(plant, by=plant)
    fusion = FusionRetriever([plant.as_retriever("bm25"), leg], concurrency=1)
    asks(fusion)
    assert set(leg.found) == {"old", "new"}


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.needs("retrieverkit_fusion")
def test_what_others_add_while_legs_are_asked_is_in_the_next_answer_at_the_latest(plant, tmp_path):
    from retrieverkit_fusion.retriever import FusionRetriever

    with Index.open(tmp_path / "plant.rk") as other:
        leg = Writes(plant, by=other)
        fusion = FusionRetriever([plant.as_retriever("bm25"), leg, plant.as_retriever("bm25")])
        first = fusion.retrieve("pump")
        assert {hit.node_id for hit in first} <= {"old", "new"} and first.outcome == "ok"
        assert {hit.node_id for hit in fusion.retrieve("pump")} == {"old", "new"}


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.needs("retrieverkit_fusion")
def test_what_others_remove_while_legs_are_asked_is_not_returned(plant, tmp_path):
    from retrieverkit_fusion.retriever import FusionRetriever

    class Removes(Writes):
        def _retrieve(self, query_bundle):
            self.by.delete(["old"])
            return []

    plant.add([Document(id="kept", text="coolant pump kept")])
    with Index.open(tmp_path / "plant.rk") as other:
        fusion = FusionRetriever([plant.as_retriever("bm25"), Removes(plant, by=other)], concurrency=1)
        assert [hit.node_id for hit in fusion.retrieve("pump")] == ["kept"]


@pytest.mark.needs("retrieverkit_bm25")
def test_an_index_that_another_thread_brought_up_to_date_is_not_opened_again(plant, tmp_path):
    retriever = plant.as_retriever("bm25")
    with Index.open(tmp_path / "plant.rk") as other, one_look():
        assert len(retriever.retrieve("pump")) == 1
        other.add([Document(id="new", text="coolant pump again")])
        assert len(retriever.retrieve("pump")) == 1
        with ThreadPoolExecutor(1) as elsewhere:
            assert len(elsewhere.submit(retriever.retrieve, "pump").result()) == 2
        opened = retriever.index.opened
        assert len(retriever.retrieve("pump")) == 2 and retriever.index.opened is opened


@pytest.mark.needs("retrieverkit_bm25")
def test_a_batch_sees_what_was_committed_before_it(plant, tmp_path):
    retriever = plant.as_retriever("bm25")
    with Index.open(tmp_path / "plant.rk") as other:
        for count in (2, 3):
            other.add([Document(id=f"new {count}", text="coolant pump again")])
            assert [len(result) for result in retriever.retrieve_many(["pump", "coolant"])] == [count, count]


@pytest.mark.needs("retrieverkit_bm25")
def test_an_index_is_not_blamed_for_what_others_removed_between_two_queries_of_a_batch(plant, tmp_path, caplog):
    class RemovesAfterwards(BaseRetriever):
        name = "removes_afterwards"

        def _retrieve(self, query_bundle):
            hits = list(bm25.retrieve(query_bundle))
            other.delete(["old"])
            return hits

    bm25 = plant.as_retriever("bm25")
    plant.add([Document(id="kept", text="coolant pump kept")])
    bm25.retrieve("pump")
    with Index.open(tmp_path / "plant.rk") as other:
        found = RemovesAfterwards().retrieve_many(["pump", "pump"])
    assert [{hit.node_id for hit in result} for result in found] == [{"old", "kept"}, {"kept"}]
    assert bm25.index.status().last_rebuild_reason == "" and not caplog.records


def test_what_a_block_started_and_outlives_it_looks_for_itself(corpus):
    async def main():
        go = asyncio.Event()

        async def later():
            before = corpus.head()
            await go.wait()
            return before, corpus.head()

        with one_look():
            task = asyncio.create_task(later())
            await asyncio.sleep(0)
        add(other, "second")
        go.set()
        return await task

    with SQLiteCorpus.open(corpus.path) as other:
        before, after = asyncio.run(main())
        assert before != after == other.head()


@pytest.mark.needs("retrieverkit_bm25")
def test_a_longer_batch_takes_no_more_looks(plant, monkeypatch):
    looks = []
    look = SQLiteCorpus._head
    monkeypatch.setattr(SQLiteCorpus, "_head", lambda corpus: looks.append(corpus) or look(corpus))

    class Around(BaseRetriever):
        name = "around"

        def _retrieve(self, query_bundle):
            return list(bm25.retrieve(query_bundle))

    bm25 = plant.as_retriever("bm25")

    def looks_of(queries):
        looks.clear()
        assert all(len(result) == 1 for result in Around().retrieve_many(["pump"] * queries))
        return len(looks)

    assert looks_of(6) == looks_of(2) > 0
