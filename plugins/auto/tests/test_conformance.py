"""The conformance kit on auto, where a retriever to ask is installed."""

import pytest

from retrieverkit_testkit.suite import RetrieverConformance

pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")


class TestAuto(RetrieverConformance):
    retriever_mode = "auto(bm25)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
