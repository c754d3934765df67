"""What is cut before it can be chosen from is refused when the retriever is built, in Python as in a mode string."""

import pytest

from retrieverkit import Document, Index
from retrieverkit_compose import AutoMergingRetriever, RerankRetriever
from retrieverkit_core.errors import OptionError

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
