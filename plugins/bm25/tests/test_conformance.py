"""The conformance kit on bm25."""

from retrieverkit_testkit.suite import RetrieverConformance


class TestBm25(RetrieverConformance):
    retriever_mode = "bm25"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
