"""The conformance kit on auto, where a retriever to ask is installed."""

import pytest

from retrieverkit_testkit import for_mode
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.suite import RetrieverConformance

pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")


class TestAuto(RetrieverConformance):
    retriever_mode = "auto(bm25)"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]


def finds_no_filter(prompt):
    return {"query": prompt.data[1], "filters": [], "top_k": None}


@pytest.mark.same_code
class TestAutoByModel(RetrieverConformance):
    retriever_mode = for_mode("auto(bm25, interpreter='model')", llm=ScriptedModel(finds_no_filter))
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]
    quick = True
