"""The conformance kit on fuzzy_title."""

from retrieverkit_testkit.suite import RetrieverConformance


class TestFuzzyTitle(RetrieverConformance):
    retriever_mode = "fuzzy_title"
    capabilities = ["deterministic", "ranks-by-query"]
