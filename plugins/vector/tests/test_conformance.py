"""The conformance kit on vector."""

from retrieverkit_testkit.suite import RetrieverConformance


class TestVector(RetrieverConformance):
    retriever_mode = "vector(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
