"""The conformance kit on vector: with an embedding that is fitted anew as the corpus grows, and with one that stays."""

from retrieverkit_testkit.suite import RetrieverConformance


class TestVectorLsa(RetrieverConformance):
    retriever_mode = "vector(embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]


class TestVectorHash(RetrieverConformance):
    """Quick, as files and processes are the same for all embeddings."""

    retriever_mode = "vector(embedding='hash')"
    capabilities = ["deterministic", "ranks-by-query", "exhaustive"]
    quick = True
