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


# `shadow` has no class: two checks watch a whole call (a delete while it fetches, what it logs), and the comparison
# that runs on behind a call fetches and logs in its place. All others pass; test_shadow.py holds what is its own.
#
# `ensemble` has none either: it needs documents that a splitter has cut, and the kit cuts them itself for a mode. A
# factory that cuts them passes all but what compares metadata (`node_level` is added) and what gives it observers.
