"""The conformance kit on the summary modes."""

import pytest

from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


def chooses_and_sums_up(prompt):
    return by_words(prompt) if prompt.schema else " ".join(prompt.data)[:600]


class TestSummary(RetrieverConformance):
    retriever_mode = "summary"
    capabilities = ["deterministic", "exhaustive"]


class TestSummaryLLM(RetrieverConformance):
    retriever_mode = for_mode("summary_llm(max_nodes=None, choice_batch_size=100)", llm=ScriptedModel(by_words))
    capabilities = ["deterministic", "ranks-by-query", "exhaustive", "lexical"]


@pytest.mark.needs("retrieverkit_vector")
class TestSummaryEmbeddingLsa(RetrieverConformance):
    retriever_mode = "summary_embedding(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True


@pytest.mark.needs("retrieverkit_vector")
class TestDocumentSummaryEmbedding(RetrieverConformance):
    retriever_mode = "document_summary_embedding(embedding='lsa', choice_top_k=20000)"
    capabilities = ["deterministic", "ranks-by-query"]
    quick = True


@pytest.mark.same_code
class TestDocumentSummaryLLM(RetrieverConformance):
    retriever_mode = for_mode(
        "document_summary_llm(summaries='extraction', max_documents=None, choice_top_k=20000, choice_batch_size=100)",
        llm=ScriptedModel(chooses_and_sums_up),
    )
    capabilities = ["deterministic", "ranks-by-query"]
    quick = True
