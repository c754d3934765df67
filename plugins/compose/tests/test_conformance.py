"""The conformance kit on the modes, where what they are made of is installed."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from retrieverkit import Document, Index
from retrieverkit_compose import EnsembleRetriever, ShadowRetriever
from retrieverkit_core import BaseRetriever
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance

pytest.importorskip("retrieverkit_bm25", reason="the retrievers within are other packages: bm25 is not installed")
pytest.importorskip("retrieverkit_vector", reason="the retrievers within are other packages: vector is not installed")


class TestRerankByEmbedding(RetrieverConformance):
    retriever_mode = "rerank(vector(embedding='lsa'), by='embedding', candidates=20000)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True


@pytest.mark.slow
class TestRerankByModel(RetrieverConformance):
    retriever_mode = for_mode("rerank(bm25, by='llm', candidates=20000, batch_size=100)", llm=ScriptedModel(by_words))
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


class TestAutoMerging(RetrieverConformance):
    retriever_mode = "auto_merging(bm25)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


class TestSentenceWindow(RetrieverConformance):
    retriever_mode = "sentence_window(bm25)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.slow
class TestRouter(RetrieverConformance):
    retriever_mode = "router(bm25, bm25(top_k=30), names=['a', 'b'], rules=[['no such words'], []], otherwise='b')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


class TestTransform(RetrieverConformance):
    retriever_mode = for_mode(
        "transform(bm25, num_queries=1, candidates=20000)",
        llm=ScriptedModel(lambda prompt: {"texts": [f"{prompt.data[0]} again"]}),
    )
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True


@pytest.mark.slow
class TestDiversify(RetrieverConformance):
    retriever_mode = "diversify(bm25, most=20000)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.slow
class TestExclude(RetrieverConformance):
    retriever_mode = "exclude(bm25, what=\"_doc_id == 'no such document'\")"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.slow
class TestPinned(RetrieverConformance):
    retriever_mode = "pinned(bm25, ids=['a node'], when=['no such words'])"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.slow
class TestRecursive(RetrieverConformance):
    retriever_mode = "recursive(bm25)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


@pytest.mark.slow
class TestEnsemble(RetrieverConformance):
    """Over documents that are cut in several sizes, which the kit's own indexes are not."""

    @staticmethod
    def factory(documents):
        plain = [Document(each.text, each.id, dict(each.metadata)) for each in documents]
        index = Index.from_documents(plain, splitter="hierarchical")
        return EnsembleRetriever(index.as_retriever("bm25"), index.corpus, candidates=20_000)

    expected_failures = dict.fromkeys(
        ["hits_are_in_the_corpus", "hostile_documents_are_kept"],
        "the splitter adds node_level and node_top to the metadata of every node",
    )
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True


FOLDER = TemporaryDirectory()


class Silent(BaseRetriever):
    """Finds nothing, and reads nothing: some checks watch what is read and logged during a call."""

    def _retrieve(self, query_bundle):
        return []


@pytest.mark.slow
class TestShadow(RetrieverConformance):
    """Whoever answers is as if nobody were compared with it; test_shadow.py has the comparison."""

    @staticmethod
    def factory(documents):
        plain = [Document(each.text, each.id, dict(each.metadata)) for each in documents]
        index = Index.from_documents(plain, Path(FOLDER.name, uuid4().hex))
        return ShadowRetriever(index.as_retriever("bm25"), Silent())

    expected_failures = {
        "no_file_is_left_outside_of_the_index": "its index stays, as the thread that compares may use it after the call"
    }
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True
