import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import BatchError, QueryError
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorRetriever

METRICS = ("cosine", "dot", "l2")
unhurried = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def true_score(metric, a, b):
    """The definitions, in plain Python."""
    product = sum(x * y for x, y in zip(a, b, strict=True))
    if metric == "dot":
        return product
    if metric == "l2":
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
    return product / (sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5)


def ids(result):
    return [hit.node.id for hit in result]


numbers = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])
vectors = st.lists(numbers, min_size=3, max_size=3).filter(any)


@given(
    held=st.lists(vectors, min_size=1, max_size=30),
    asked=vectors,
    metric=st.sampled_from(METRICS),
    top_k=st.sampled_from([1, 2, 5, 30, 10**9]),
)
@settings(max_examples=3 * settings.default.max_examples, **unhurried)
def test_hits_are_the_nearest_and_ties_come_in_the_order_of_the_corpus(
    corpus_of, word_model, tmp_path_factory, held, asked, metric, top_k
):
    corpus = corpus_of(np.array(held, np.float32))
    retriever = VectorRetriever(corpus, tmp_path_factory.mktemp("s"), word_model(3), metric=metric)
    result = retriever.retrieve(QueryBundle("", embedding=asked, top_k=top_k))
    scores = [true_score(metric, vector, asked) for vector in held]
    sign = 1 if metric == "l2" else -1
    best = sorted(range(len(held)), key=lambda i: (sign * round(scores[i], 9), i))[:top_k]
    assert [hit.score for hit in result] == pytest.approx([scores[i] for i in best], abs=1e-6)
    found = [int(hit.node.id[1:]) for hit in result]
    for vector in map(tuple, held):  # equal vectors: by place in the corpus, also at the cut
        equal = [i for i, other in enumerate(held) if tuple(other) == vector]
        kept = [i for i in found if i in equal]
        assert kept == equal[: len(kept)]


@pytest.mark.parametrize("metric", METRICS)
def test_large_sets_equal_brute_force(corpus_of, word_model, random_vectors, tmp_path, metric):
    held = random_vectors(5000) * (np.arange(5000)[:, None] % 7 + 1)
    corpus = corpus_of(held)
    retriever = VectorRetriever(corpus, tmp_path, word_model(32), metric=metric, top_k=50)
    retriever.index.reader()
    corpus.add(*(Node(id=f"x{i}", embedding=vector.tolist()) for i, vector in enumerate(held[:700])))
    names = [f"n{i}" for i in range(5000)] + [f"x{i}" for i in range(700)]
    wide = np.concatenate([held, held[:700]]).astype(np.float64)
    for asked in random_vectors(20, seed=1):
        scores = wide @ asked
        if metric == "cosine":
            scores /= np.linalg.norm(wide, axis=1) * np.linalg.norm(asked)
        if metric == "l2":
            scores = -np.linalg.norm(wide - asked, axis=1)
        order = np.lexsort((np.arange(len(wide)), -scores.round(9)))[:50]
        result = retriever.retrieve(QueryBundle("", embedding=asked.tolist()))
        assert ids(result) == [names[i] for i in order]
        assert [hit.score for hit in result] == pytest.approx(
            np.abs(scores[order]) if metric == "l2" else scores[order]
        )


def test_equal_vectors_tie_wherever_they_stand(corpus_of, word_model, random_vectors, tmp_path):
    vector = random_vectors(1, 100)[0]
    corpus = corpus_of(np.concatenate([random_vectors(333, 100, seed=2), [vector] * 97]))
    retriever = VectorRetriever(corpus, tmp_path, word_model(100))
    retriever.index.reader()
    corpus.add(*(Node(id=f"x{i}", embedding=(vector * 2).tolist()) for i in range(53)))
    for k in (1, 60, 97, 98, 150):
        result = retriever.retrieve(QueryBundle("", embedding=(vector * 3).tolist(), top_k=k))
        assert ids(result) == ([f"n{i}" for i in range(333, 430)] + [f"x{i}" for i in range(53)])[:k]


def test_a_batch_equals_its_queries_one_by_one(new_corpus, word_model, tmp_path, rng):
    words = [f"w{i}" for i in range(60)]
    corpus = new_corpus([" ".join(rng.choices(words, k=6)) for _ in range(800)])
    from retrieverkit_core.filters import MetadataFilters

    corpus.add(*(Node(id=f"m{i}", text=rng.choice(words), metadata={"i": i}) for i in range(50)))
    model = word_model()
    retriever = VectorRetriever(corpus, tmp_path, model, top_k=7)
    queries = [QueryBundle(" ".join(rng.choices(words, k=3))) for _ in range(40)]
    queries += [
        QueryBundle("", embedding=[1.0] * 16, top_k=3),
        QueryBundle("w1", filters=MetadataFilters.parse("i < 20")),
        QueryBundle("w1", custom_embedding_strs=["w2", "w3 w4"], top_k=900),
        QueryBundle("  "),
        QueryBundle("w6", custom_embedding_strs=[" "]),
        QueryBundle("w5", top_k=0),
    ]
    singles = [retriever.retrieve(query) for query in queries]
    calls = []
    model.embed_queries = lambda texts, ask=model.embed_queries: [calls.append(len(texts)), ask(texts)][1]
    assert retriever.retrieve_many(queries) == singles
    assert calls == [43]
    with pytest.raises(BatchError) as caught:
        retriever.retrieve_many([queries[0], QueryBundle("", embedding=[1.0]), queries[1]])
    assert isinstance(caught.value.errors[1], QueryError) and caught.value.results[2] == singles[1]


def test_many_queries_together_are_divided(corpus_of, word_model, random_vectors, tmp_path, monkeypatch):
    monkeypatch.setattr("retrieverkit_vector.reader._PRODUCTS", 1000)
    retriever = VectorRetriever(corpus_of(random_vectors(300)), tmp_path, word_model(32), metric="dot")
    queries = [
        QueryBundle("", embedding=vector.tolist(), top_k=k) for k, vector in enumerate(random_vectors(20, seed=5))
    ]
    assert retriever.retrieve_many(queries) == [retriever.retrieve(query) for query in queries]


@pytest.mark.parametrize(
    ("embedding", "said"), [([1.0, 2.0], "2 numbers"), ([0.0] * 16, "no direction"), ([1e300] * 16, "no direction")]
)
def test_a_query_vector_that_cannot_be_compared_is_refused(new_corpus, word_model, tmp_path, embedding, said):
    retriever = VectorRetriever(new_corpus(["a"]), tmp_path, word_model())
    with pytest.raises(QueryError, match=said):
        retriever.retrieve(QueryBundle("a", embedding=embedding))
    for bad in ([], [float("nan")] * 16, [float("inf")] * 16):
        with pytest.raises(QueryError):
            QueryBundle("a", embedding=bad)


def test_several_texts_are_averaged_and_blank_ones_left_out(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two", "three"])
    retriever = VectorRetriever(corpus, tmp_path, word_model(), top_k=3)
    model = word_model()
    unit = [vector / np.linalg.norm(vector) for vector in model.embed_queries(["one", "two"])]
    mean = retriever.retrieve(QueryBundle("x", embedding=((unit[0] + unit[1]) / 2).tolist()))
    several = retriever.retrieve(QueryBundle("x", custom_embedding_strs=["one", " ", "two"]))
    assert ids(several) == ids(mean)
    assert [h.score for h in several] == pytest.approx([h.score for h in mean], abs=1e-6)
    assert retriever.retrieve(QueryBundle("x", custom_embedding_strs=[" "])) == []


def test_the_cutoff_counts_for_every_metric(corpus_of, word_model, tmp_path):
    held = np.array([[1, 0], [1, 1], [0, 2], [-1, 0]], np.float32)
    asked = QueryBundle("", embedding=[1.0, 0.0], top_k=10)

    def found(metric, cutoff):
        options = {"metric": metric, "similarity_cutoff": cutoff}
        return ids(VectorRetriever(corpus_of(held), tmp_path, word_model(2), **options).retrieve(asked))

    assert found("cosine", 0.7) == ["n0", "n1"]
    assert found("cosine", 0.0) == ["n0", "n1", "n2"]
    assert found("dot", 1.0) == ["n0", "n1"]
    assert found("l2", 1.0) == ["n0", "n1"]
    assert found("l2", 0.0) == ["n0"]
    assert found("cosine", 1.1) == []


def test_scores_say_what_they_are(new_corpus, word_model, tmp_path):
    scores = {m: VectorRetriever(new_corpus(), tmp_path, word_model(), metric=m).scores for m in METRICS}
    assert [str(scores[m].kind) for m in METRICS] == ["similarity", "similarity", "distance"]
    assert (scores["cosine"].lower_bound, scores["cosine"].upper_bound) == (-1, 1)
    assert not scores["l2"].higher_is_better and scores["l2"].lower_bound == 0
