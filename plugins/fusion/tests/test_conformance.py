"""The conformance kit on fusion and hybrid, where the legs are installed."""

import pytest

from retrieverkit_testkit.suite import RetrieverConformance

pytest.importorskip("retrieverkit_bm25", reason="the legs are other packages: bm25 is not installed")
pytest.importorskip("retrieverkit_vector", reason="the legs are other packages: vector is not installed")


class TestFusion(RetrieverConformance):
    retriever_mode = "fusion(bm25, vector(embedding='lsa'), method='rrf')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]


@pytest.mark.same_code
class TestHybrid(RetrieverConformance):
    """The same retriever with other settings: quick, as files and processes are the legs' and TestFusion's."""

    retriever_mode = "hybrid(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True
