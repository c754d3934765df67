"""What is cut before it can be chosen from is refused when the retriever is built, in Python as in a mode string."""

import pytest

from retrieverkit import Document, Index
from retrieverkit_compose import AutoMergingRetriever, RerankRetriever
from retrieverkit_core import BaseRetriever
from retrieverkit_core.errors import ConfigError, OptionError

pytestmark = [pytest.mark.needs("retrieverkit_bm25"), pytest.mark.needs("retrieverkit_vector")]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "i.rk"
    with Index.from_documents([Document("Ice stops the pump.")], path, embedding="lsa") as index:
        yield index


def test_a_cut_below_what_is_returned_is_refused(index):
    three, vector = index.as_retriever("bm25(top_k=3)"), index.as_retriever("vector")
    for build in (
        lambda: RerankRetriever(three, by="embedding", vectors=vector, candidates=None, top_n=4),
        lambda: AutoMergingRetriever(three, index.corpus, candidates=None, top_k=4),
        lambda: index.as_retriever("rerank(bm25(top_k=3), by='embedding', top_n=4)"),
        lambda: index.as_retriever("auto_merging(bm25(top_k=3), top_k=4)"),
    ):
        with pytest.raises(OptionError, match="3 hits at most, fewer than the 4 that are returned"):
            build()


def test_a_cut_that_leaves_enough_is_not(index):
    three, vector = index.as_retriever("bm25(top_k=3)"), index.as_retriever("vector")
    assert RerankRetriever(three, by="embedding", vectors=vector, candidates=None, top_n=3).retrieve("ice")
    assert RerankRetriever(three, by="embedding", vectors=vector, candidates=9, top_n=4).retrieve("ice")
    assert index.as_retriever("auto_merging(bm25(top_k=3), top_k=3)").retrieve("ice")


def test_a_cut_that_is_written_within_is_not_overruled(index):
    """Also where it is called top_n, and where a mode stands between that gives as many as what it asks."""
    by = "by='embedding', embedding='lsa'"
    for inner in (
        "rerank(bm25, top_n=3, {})",
        "exclude(bm25(top_k=3), what=\"_doc_id == 'x'\")",
        "recursive(bm25(top_k=3))",
    ):
        inner = inner.format(by)
        with pytest.raises(OptionError, match="finds 3 hits at most, fewer than the 5 that are returned"):
            index.as_retriever(f"rerank({inner}, top_n=5, {by})")
        with pytest.raises(OptionError, match="and is given 20 candidates; keep one"):
            index.as_retriever(f"rerank({inner}, top_n=2, candidates=20, {by})")
        asked = index.as_retriever(f"rerank({inner}, top_n=2, {by})")
        asked.retriever = Asked(asked.retriever)
        asked.retrieve("ice")
        assert asked.retriever.top_k == 3
        fused = index.as_retriever(f"fusion({inner}, vector)") if inner.startswith("rerank") else None
        assert fused is None or fused.legs[0].candidates is None


class Asked(BaseRetriever):
    """Keeps how many hits it was asked for."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.default_top_k, self.top_k = inner, inner.default_top_k, None
        self.name = inner.name

    def _retrieve(self, query_bundle):
        self.top_k = query_bundle.top_k
        return self.inner.retrieve(query_bundle)


def test_an_index_that_is_not_cut_for_a_mode_says_how_to_make_one(tmp_path):
    mend = "retriever index PATH --index NEW --splitter"
    with Index.create(tmp_path / "cut.rk") as cut:
        cut.add(Document("Ice stops the pump. " * 400, id="long"))
        assert any(f"{mend} hierarchical" in note for note in cut.retrieve("ice", "auto_merging(bm25)").notes)
        with pytest.raises(ConfigError, match=f"{mend} hierarchical"):
            cut.as_retriever("ensemble(bm25)")
        assert cut.retrieve("ice", "sentence_window(bm25)").notes == ()
    with Index.from_documents([Document("Ice stops the pump.")], tmp_path / "short.rk") as short:
        assert any(f"{mend} sentences" in note for note in short.retrieve("ice", "sentence_window(bm25)").notes)
