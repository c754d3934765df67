"""The conformance kit on vector: with an embedding that is fitted anew as the corpus grows, and with one that stays."""

import pytest

from retrieverkit_testkit import Outcome, check_retriever, for_mode
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.suite import RetrieverConformance


class TestVectorLsa(RetrieverConformance):
    retriever_mode = "vector(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]


@pytest.mark.same_code
class TestVectorHash(RetrieverConformance):
    """Quick, as files and processes are the same for all embeddings."""

    retriever_mode = "vector(embedding='hash')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True


class FirstWords(WordVectors):
    """Reads the first 200 words of a text."""

    fingerprint = "the first 200 words"
    max_tokens = 200

    def longer(self, texts):
        return [len(text.split()) > self.max_tokens for text in texts]

    def embed_documents(self, texts):
        return super().embed_documents([" ".join(text.split()[: self.max_tokens]) for text in texts])


def test_a_model_that_reads_the_beginning_of_texts_is_told_of_and_not_failed():
    model = for_mode("vector", embedding=FirstWords())
    (result,) = check_retriever(model, only=["the_end_of_a_long_node_is_read"])
    assert result.outcome is Outcome.PASSED
    assert "longer than the 200 tokens" in result.reason
