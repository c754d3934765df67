"""What retrievers on one folder share, and what becomes of them when it is made again or may not be written to."""

import gc
import weakref

import pytest

from retrieverkit import Document, Index
from retrieverkit_bm25.reader import Bm25Reader
from retrieverkit_core.errors import ReadOnlyCorpusError
from retrieverkit_indexing.metadata import MetadataReader

DOCUMENTS = [Document(f"turbine number {i} in hall {i % 3}", id=f"d{i}", metadata={"hall": i % 3}) for i in range(60)]


def readers(kind):
    gc.collect()
    return [found for found in gc.get_objects() if type(found) is kind]


@pytest.fixture
def index(tmp_path):
    with Index.from_documents(DOCUMENTS, tmp_path / "ix.rk", embedding="lsa") as index:
        yield index


def test_ten_limits_are_one_open_index(index):
    before = len(readers(Bm25Reader)), len(readers(MetadataReader))
    with Index.open(index.path, embedding="lsa") as again:
        retrievers = [
            opened.as_retriever(f"{mode}(top_k={k})")
            for opened in (index, again)
            for mode in ("bm25", "vector")
            for k in range(3, 8)
        ]
        for _ in range(2):
            for retriever in retrievers:
                assert retriever.retrieve("turbine hall", filters="hall == 1")
            assert len(readers(Bm25Reader)) == before[0] + 1
            assert len(readers(MetadataReader)) == before[1] + 1
            index.add(Document("one more turbine", id="more", metadata={"hall": 1}))
        assert all("more" in {hit.node.ref_doc_id for hit in r.retrieve("more turbine", top_k=50)} for r in retrievers)


def test_an_index_outlives_the_corpus_object_that_opened_it(index):
    first = Index.open(index.path)
    one = first.as_retriever("bm25")
    two = index.as_retriever("bm25(top_k=2)")
    assert one.retrieve("turbine")
    first.close()
    assert two.retrieve("turbine")
    index.add(Document("a snowplough", id="plough"))
    assert [hit.node.ref_doc_id for hit in two.retrieve("snowplough")] == ["plough"]


@pytest.mark.parametrize("mode", ["bm25", "vector", "hybrid"])
def test_a_retriever_made_before_reindexing_sees_the_new_index(mode, index):
    retriever = index.as_retriever(mode)
    before = [hit.node.id for hit in retriever.retrieve("turbine number 7")]
    index.reindex()
    assert not any(status.nodes for status in index.derived())
    assert [hit.node.id for hit in retriever.retrieve("turbine number 7")] == before
    assert [status.nodes for status in index.derived()] == [60] * len(index.derived()) != []


def snapshot_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if not path.name.endswith(("-shm", "-wal"))}


@pytest.mark.parametrize("prepared", [False, True])
def test_an_index_that_is_only_read_gets_no_indexes(prepared, index):
    if prepared:
        index.retrieve("turbine", "bm25")
        index.add(Document("a snowplough", id="plough"))
    before = snapshot_of(index.storage)
    with Index.open(index.path, read_only=True) as reading:
        assert len(reading.retrieve("turbine", "bm25", top_k=50)) == 50
        assert reading.check().derived == []
        with pytest.raises(ReadOnlyCorpusError):
            reading.reindex()
    assert snapshot_of(index.storage) == before


def test_what_was_opened_goes_when_nobody_holds_it(index):
    retriever = index.as_retriever("bm25")
    retriever.retrieve("turbine")
    (reader,) = (weakref.ref(found) for found in readers(Bm25Reader)[-1:])
    del retriever
    gc.collect()
    assert reader() is None
