"""The conformance kit on the summary modes."""

from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


class TestSummary(RetrieverConformance):
    retriever_mode = "summary"
    capabilities = ["deterministic", "exhaustive"]


class TestSummaryLLM(RetrieverConformance):
    retriever_mode = for_mode("summary_llm(max_nodes=None, choice_batch_size=100)", llm=ScriptedModel(by_words))
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]


class TestSummaryEmbeddingLsa(RetrieverConformance):
    retriever_mode = "summary_embedding(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True


class TestSummaryEmbeddingHash(RetrieverConformance):
    retriever_mode = "summary_embedding(embedding='hash')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True
