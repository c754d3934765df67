import sys

import numpy as np
import pytest

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorRetriever, graph

pytest.importorskip("faiss", reason="needs faiss-cpu")

ROWS = 6000


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr("retrieverkit_vector.index.GRAPH_FROM", ROWS // 2)
    monkeypatch.setattr("retrieverkit_vector.index.MAX_TAIL", 500)
    monkeypatch.setattr("retrieverkit_vector.reader.GATHERED_UP_TO", 60)


@pytest.fixture
def searches(monkeypatch):
    """What the graph was asked and whether it had an answer."""
    asked = []
    search = graph.Graph.search

    def spy(self, direction, wanted, effort, bits, share):
        found = search(self, direction, wanted, effort, bits, share)
        asked.append((effort, share, found is not None))
        return found

    monkeypatch.setattr(graph.Graph, "search", spy)
    return asked


def ids(result):
    return [hit.node.id for hit in result]


def truth(corpus, asked, k, passes=lambda node: True):
    nodes = [node for _, node in sorted(corpus.stored.items()) if passes(node)]
    vectors = np.array([node.embedding for node in nodes])
    scores = vectors @ asked / np.linalg.norm(vectors, axis=1)
    return [nodes[i].id for i in np.argsort(-scores, kind="stable")[:k]]


def recall(corpus, retriever, queries, filters=None):
    found = []
    for asked in queries:
        result = retriever.retrieve(QueryBundle("", embedding=asked.tolist(), top_k=10, filters=filters))
        true = truth(corpus, asked, 10, lambda node: filters is None or filters.matches(node.metadata))
        assert len(result) == len(true)
        found.append(len(set(ids(result)) & set(true)) / len(true))
    return np.mean(found)


@pytest.mark.slow
def test_enough_of_the_nearest_under_every_filter(
    corpus_of, word_model, random_vectors, tmp_path, small_limits, searches
):
    corpus = corpus_of(random_vectors(ROWS))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    queries = random_vectors(30, seed=8)
    assert recall(corpus, retriever, queries) >= 0.95
    for share in (0.001, 0.01, 0.05, 0.1, 0.5, 0.99):
        filters = MetadataFilters.parse(f"i < {int(ROWS * share)}")
        assert recall(corpus, retriever, queries, filters) >= (0.95 if share > 0.01 else 1.0)
    assert len(searches) == 30 * 5 and all(found for _, _, found in searches)


def test_scores_do_not_tell_how_a_hit_was_found(corpus_of, word_model, random_vectors, tmp_path, small_limits):
    corpus = corpus_of(random_vectors(ROWS))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    queries = [QueryBundle("", embedding=vector.tolist()) for vector in random_vectors(10, seed=8)]
    singles = [retriever.retrieve(query) for query in queries]
    assert retriever.retrieve_many(queries) == singles
    for query, result in zip(queries, singles, strict=True):
        exact = {hit.node.id: hit.score for hit in retriever.retrieve(query.replace(top_k=ROWS))}
        assert {hit.node.id: hit.score for hit in result}.items() <= exact.items()


@pytest.mark.slow
def test_a_filter_far_from_the_query_is_answered_one_by_one(
    corpus_of, word_model, random_vectors, tmp_path, small_limits, searches
):
    vectors = random_vectors(ROWS)
    corpus = corpus_of(vectors[np.argsort(vectors[:, 0])])  # i < n: all on the other side
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    queries = np.abs(random_vectors(20, seed=8)) * ([6] + [1] * 31)
    for share in (0.05, 0.2, 0.4):
        assert recall(corpus, retriever, queries, MetadataFilters.parse(f"i < {int(ROWS * share)}")) >= 0.95
    assert not all(found for _, _, found in searches)


@pytest.mark.slow
def test_it_follows_additions_and_deletions(
    corpus_of, word_model, random_vectors, tmp_path, small_limits, searches, monkeypatch
):
    made = []
    extended = graph.extended
    monkeypatch.setattr(graph, "extended", lambda f, before, rows: [made.append(before), extended(f, before, rows)][1])
    corpus = corpus_of(random_vectors(ROWS))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    queries, fresh = random_vectors(10, seed=8), iter(random_vectors(3000, seed=9))

    def add(count):
        corpus.add(*(Node(id=f"x{corpus.head().seq}-{i}", embedding=next(fresh).tolist()) for i in range(count)))

    assert recall(corpus, retriever, queries) >= 0.95 and len(made) == 1
    add(100)
    assert recall(corpus, retriever, queries) >= 0.95 and len(made) == 1
    corpus.delete(*truth(corpus, queries[0], 30))
    assert recall(corpus, retriever, queries) >= 0.95 and len(made) == 1
    add(600)
    assert recall(corpus, retriever, queries) >= 0.95 and len(made) == 2 and made[1] is not None
    corpus.delete(*(f"n{i}" for i in range(1500)))
    assert recall(corpus, retriever, queries) >= 0.95
    corpus.delete(*(f"n{i}" for i in range(1500, 2100)))
    assert recall(corpus, retriever, queries) >= 0.95 and len(made) == 3 and made[2] is None
    assert len(retriever.index.reader().rows) == len(corpus.stored)
    reopened = VectorRetriever(corpus, tmp_path, word_model(32))
    assert recall(corpus, reopened, queries) >= 0.95 and len(made) == 3
    corpus.delete(*(node.id for node in list(corpus.stored.values())[2000:]))
    assert recall(corpus, retriever, queries) == 1.0
    assert retriever.index.status().rebuilds == 0 and retriever.index.check() == []
    assert all(found for _, _, found in searches)


@pytest.mark.slow
def test_other_metrics_use_it_where_lengths_are_even(
    corpus_of, word_model, random_vectors, tmp_path, small_limits, searches
):
    uneven = random_vectors(ROWS)
    even = uneven / np.linalg.norm(uneven, axis=1, keepdims=True)
    asked = QueryBundle("", embedding=random_vectors(1, seed=8)[0].tolist())
    found = {}
    for name, vectors in (("even", even), ("uneven", uneven)):
        for metric in ("cosine", "dot", "l2"):
            retriever = VectorRetriever(corpus_of(vectors), tmp_path / name, word_model(32), metric=metric)
            found[name, metric] = ids(retriever.retrieve(asked))
    assert len(searches) == 4
    assert found["even", "cosine"] == found["even", "dot"] == found["even", "l2"]
    scores = uneven @ np.array(asked.embedding)
    assert found["uneven", "dot"] == [f"n{i}" for i in np.argsort(-scores)[:5]]


@pytest.mark.slow
def test_vectors_that_a_graph_cannot_find_are_compared_one_by_one(
    corpus_of, word_model, tmp_path, small_limits, searches, monkeypatch
):
    monkeypatch.setattr(graph, "EFFORTS", (4,))
    rng = np.random.default_rng(3)
    corpus = corpus_of(rng.standard_normal((ROWS, 64)).astype(np.float32))
    retriever = VectorRetriever(corpus, tmp_path, word_model(64))
    assert recall(corpus, retriever, rng.standard_normal((10, 64))) == 1.0
    assert searches == []
    assert any("would miss" in note for note in retriever.retrieve(QueryBundle("", embedding=[1.0] * 64)).notes)


@pytest.mark.slow
def test_without_faiss_all_are_compared_and_it_is_said(
    corpus_of, word_model, random_vectors, tmp_path, small_limits, monkeypatch
):
    corpus = corpus_of(random_vectors(ROWS))
    queries = random_vectors(5, seed=8)
    VectorRetriever(corpus, tmp_path, word_model(32)).retrieve(QueryBundle("", embedding=queries[0].tolist()))
    monkeypatch.setattr(graph, "is_installed", lambda: False)
    monkeypatch.setitem(sys.modules, "faiss", None)
    for storage in (tmp_path, tmp_path / "new"):
        retriever = VectorRetriever(corpus, storage, word_model(32))
        assert recall(corpus, retriever, queries) == 1.0
        result = retriever.retrieve(QueryBundle("", embedding=queries[0].tolist()))
        assert [note for note in result.notes if "retrieverkit-vector[faiss]" in note]
        corpus.add(Node(id=f"x{storage.name}", embedding=queries[0].tolist()))
        result = retriever.retrieve(QueryBundle("", embedding=queries[0].tolist()))
        assert f"x{storage.name}" in ids(result)


@pytest.mark.slow
def test_more_hits_than_ten(corpus_of, word_model, random_vectors, tmp_path, small_limits, searches):
    corpus = corpus_of(random_vectors(ROWS))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32))
    for k in (1, 50, 200, 900):
        shares = []
        for asked in random_vectors(10, seed=8):
            result = retriever.retrieve(QueryBundle("", embedding=asked.tolist(), top_k=k))
            true = truth(corpus, asked, k)
            assert len(result) == k
            shares.append(len(set(ids(result)) & set(true)) / k)
        assert np.mean(shares) >= 0.95
    assert len(searches) == 40
