"""The conformance kit on the modes, where what they are made of is installed."""

import pytest

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
