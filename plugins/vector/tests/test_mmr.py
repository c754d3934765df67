import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import OptionError
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorOptions, VectorRetriever


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5


def plain_mmr(vectors, asked, weight, wanted):
    """As the paper has it: at each step look at all that are chosen."""
    chosen, left = [], list(range(len(vectors)))
    while left and len(chosen) < wanted:
        values = []
        for i in left:
            likeness = max((cosine(vectors[i], vectors[j]) for j in chosen), default=-1.0)
            values.append(weight * cosine(vectors[i], asked) - (1 - weight) * likeness)
        best = values.index(max(values))
        chosen.append(left.pop(best))
    return chosen


@given(seed=st.integers(0, 10**6), weight=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]), wanted=st.integers(1, 12))
@settings(suppress_health_check=list(HealthCheck))
def test_it_is_mmr(corpus_of, word_model, tmp_path_factory, seed, weight, wanted):
    vectors = np.random.default_rng(seed).standard_normal((10, 4)).astype(np.float32)
    asked = vectors[0] + vectors[1]
    retriever = VectorRetriever(
        corpus_of(vectors), tmp_path_factory.mktemp("s"), word_model(4), mmr_lambda=weight, mmr_fetch=10
    )
    result = retriever.retrieve(QueryBundle("", embedding=asked.tolist(), top_k=wanted))
    ranked = sorted(range(10), key=lambda i: -cosine(vectors[i], asked))
    expected = [ranked[i] for i in plain_mmr([vectors[i] for i in ranked], asked, weight, wanted)]
    assert [hit.node.id for hit in result] == [f"n{i}" for i in expected]
    scores = [hit.score for hit in result]
    assert scores == sorted(scores, reverse=True) and all(-1 <= score <= 1 for score in scores)


def test_what_it_chooses_from(corpus_of, word_model, random_vectors, tmp_path):
    corpus = corpus_of(random_vectors(200))
    asked = QueryBundle("", embedding=random_vectors(1, seed=9)[0].tolist(), top_k=5)
    near = {hit.node.id for hit in VectorRetriever(corpus, tmp_path, word_model(32), top_k=5).retrieve(asked)}

    def chosen(**options):
        retriever = VectorRetriever(corpus, tmp_path, word_model(32), mmr_lambda=0.1, **options)
        return {hit.node.id for hit in retriever.retrieve(asked)}

    assert chosen(mmr_fetch=1) == near
    assert chosen(mmr_fetch=50) != near
    assert len(chosen(mmr_fetch=50, similarity_cutoff=2.0)) == 0


def test_it_takes_the_cosine_and_says_so(new_corpus, word_model, tmp_path):
    with pytest.raises(OptionError, match="cosine"):
        VectorRetriever(new_corpus(), tmp_path, word_model(), metric="l2", mmr_lambda=0.5)
    with pytest.raises(ValueError, match="cosine"):
        VectorOptions(metric="dot", mmr_lambda=0.5)
    assert str(VectorRetriever(new_corpus(), tmp_path, word_model(), mmr_lambda=0.5).scores.kind) == "relevance"
