"""The conformance kit on graph_ppr and property_graph, where their plain leg is installed."""

import pytest

from retrieverkit_testkit.suite import RetrieverConformance

pytest.importorskip("retrieverkit_bm25", reason="the plain leg is another package: bm25 is not installed")


class TestGraphPpr(RetrieverConformance):
    retriever_mode = "graph_ppr"
    capabilities = ["deterministic"]
    quick = True


class TestPropertyGraph(RetrieverConformance):
    retriever_mode = "property_graph"
    capabilities = ["deterministic"]
    quick = True


@pytest.mark.same_code
class TestPropertyGraphOfTwoParts(RetrieverConformance):
    retriever_mode = "property_graph(parts=[graph_ppr(passage_weight=0), graph_ppr(facts=10)], keep=1)"
    capabilities = ["deterministic"]
    quick = True
