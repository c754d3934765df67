"""`summary`: all nodes in order."""

import pytest

from retrieverkit import Document, Index
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome
from retrieverkit_summary import SummaryRetriever
from retrieverkit_testkit.memory_corpus import MemoryCorpus


@pytest.fixture
def index():
    documents = [Document(f"text {at}", id=f"d{at}", metadata={"even": at % 2 == 0}) for at in range(6)]
    with Index.from_documents(documents) as index:
        yield index


def ids(result):
    return [hit.ref_doc_id for hit in result]


def test_all_nodes_come_in_order_whatever_the_query(index):
    retriever = index.as_retriever("summary")
    for query in ("text 3", "", "nothing of the kind", QueryBundle("", embedding=[1.0])):
        result = retriever.retrieve(query)
        assert ids(result) == [f"d{at}" for at in range(6)]
        assert {hit.score for hit in result} == {None}
        assert result.outcome is Outcome.OK
    assert ids(retriever.retrieve("", top_k=2)) == ["d0", "d1"]
    assert ids(index.as_retriever("summary(top_k=4)").retrieve("")) == ["d0", "d1", "d2", "d3"]
    assert ids(retriever.retrieve("", filters="even == false", top_k=2)) == ["d1", "d3"]
    assert ids(retriever.retrieve("", filters="even == false", scope="_doc_id != 'd3'")) == ["d1", "d5"]


def test_a_long_document_comes_with_its_nodes_from_first_to_last(index):
    index.add(Document("\n\n".join(f"paragraph {at} " + "word " * 200 for at in range(20)), id="long"))
    hits = [hit for hit in index.retrieve("", "summary") if hit.ref_doc_id == "long"]
    assert len(hits) > 3
    assert [hit.node.start_char_idx for hit in hits] == sorted(hit.node.start_char_idx for hit in hits)


def test_what_changes_comes_last_and_what_is_deleted_goes(index):
    retriever = index.as_retriever("summary")
    retriever.retrieve("", filters="even == true")
    index.add([Document("another text", id="d0", metadata={"even": True}), Document("new", id="d6")])
    index.delete(["d2"])
    assert ids(retriever.retrieve("")) == ["d1", "d3", "d4", "d5", "d0", "d6"]
    assert ids(retriever.retrieve("", filters="even == true")) == ["d4", "d0"]


def test_direct_construction_answers_as_the_mode_does(index):
    direct = SummaryRetriever(index.corpus, index.storage, top_k=3)
    assert direct.retrieve("x") == index.as_retriever("summary", top_k=3).retrieve("x")


def test_no_more_of_a_corpus_is_read_than_is_returned(tmp_path):
    class Counted(MemoryCorpus):
        read = 0

        def snapshot(self):
            return _Counting(self, super().snapshot())

        def fetch(self, ordinals):
            self.read += len(ordinals)
            return super().fetch(ordinals)

    class _Counting:
        def __init__(self, corpus, context):
            self.corpus, self.context = corpus, context

        def __enter__(self):
            self.view = self.context.__enter__()
            return self

        def __exit__(self, *exception):
            return self.context.__exit__(*exception)

        def __getattr__(self, name):
            return getattr(self.view, name)

        def nodes(self):
            for stored in self.view.nodes():
                self.corpus.read += 1
                yield stored

    corpus = Counted()
    corpus.add(*(Node(f"text {at}", id=f"n{at}", metadata={"even": at % 2 == 0}) for at in range(2000)))
    retriever = SummaryRetriever(corpus, tmp_path)
    assert len(retriever.retrieve("x", top_k=5)) == 5
    assert corpus.read == 10, "five to find, five to return"
    retriever.retrieve("x", filters="even == true", top_k=5)  # makes the metadata index
    corpus.read = 0
    assert len(retriever.retrieve("x", filters="even == false", top_k=5)) == 5
    assert corpus.read == 5


def test_an_empty_index_says_so():
    with Index.from_documents([]) as index:
        result = index.retrieve("", "summary")
        assert list(result) == []
        assert any("no documents" in note for note in result.notes)
        assert index.as_retriever("summary").plan("x").complete
