"""Half-precision copies make a search quicker and never change its answer."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.threads import WorkerThreads
from retrieverkit_vector import VectorRetriever, halves, side_by_side
from retrieverkit_vector.metrics import Target

pytest.importorskip("faiss")


@pytest.fixture(scope="module", autouse=True)
def early():
    """Copies of few vectors too, from the second search on, and in several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(side_by_side, "BYTES_OF_A_PART", 64)
        patch.setattr(side_by_side, "_processors", lambda: 3)
        patch.setattr(halves, "FEWEST", 50)
        patch.setattr(halves, "_AFTER", 2)
        yield


def nearest(held, there, asked, k):
    wide, query = held.astype(np.float64), np.array(asked, np.float32).astype(np.float64)
    lengths = np.sqrt(np.vecdot(wide, wide))
    cosines = np.vecdot(wide, query) / (lengths * np.sqrt((query * query).sum()))
    order = np.lexsort((np.arange(len(held)), -np.clip(cosines, -1, 1)))
    return [(f"n{i}", min(1.0, max(-1.0, float(cosines[i])))) for i in order if i in set(there)][:k]


@given(
    seed=st.integers(0, 2**32 - 1),
    dimension=st.sampled_from([1, 2, 7, 64]),
    spread=st.sampled_from([1.0, 1e-2, 1e-4, 1e-7, 0.0]),
    size=st.sampled_from([1.0, 1e-6, 1e9]),
    later=st.sampled_from([0, 3, 70]),
    gone=st.sampled_from([0, 1, 20]),
    limit=st.sampled_from([None, 10, 60]),
    k=st.sampled_from([1, 10, 60]),
)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_equal_brute_force(
    new_corpus, word_model, tmp_path_factory, seed, dimension, spread, size, later, gone, limit, k
):
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal(dimension)
    held = ((middle + spread * rng.standard_normal((150 + later, dimension))) * size).astype(np.float32)
    held[~held.any(axis=1)] = size
    corpus = new_corpus()
    nodes = [Node(id=f"n{i}", metadata={"j": i}, embedding=vector.tolist()) for i, vector in enumerate(held)]
    corpus.add(*nodes[:150])
    retriever = VectorRetriever(corpus, tmp_path_factory.mktemp("s"), word_model(dimension))
    retriever.index.reader()
    corpus.add(*nodes[150:])
    corpus.delete(*(f"n{i}" for i in range(gone)))
    there = [i for i in range(len(held)) if i >= max(gone, limit or 0)]
    filters = MetadataFilters.parse(f"j >= {limit}") if limit else None
    for _ in range(4):
        asked = (middle + spread * rng.standard_normal(dimension)).tolist()
        if not np.any(np.array(asked, np.float32)):
            continue
        hits = retriever.retrieve(QueryBundle("", embedding=asked, top_k=k, filters=filters))
        assert [(hit.node.id, hit.score) for hit in hits] == nearest(held, there, asked, k)


def test_copies_are_used_where_they_decide(corpus_of, word_model, random_vectors, tmp_path):
    retriever = VectorRetriever(corpus_of(random_vectors(400)), tmp_path, word_model(32))
    reader = retriever.index.reader()
    ((_, segment),) = reader.rows.segments()
    targets = [Target(vector, "cosine") for vector in random_vectors(20, seed=3)]
    assert segment.halves.contenders(targets[0], 5) is None
    found = [segment.halves.contenders(target, 5) for target in targets]
    assert all(rows is not None and len(rows) == 5 for rows in found)
    assert segment.halves.contenders(targets[0], 390) is None
    same = VectorRetriever(corpus_of(np.repeat(random_vectors(1), 400, axis=0)), tmp_path / "same", word_model(32))
    ((_, segment),) = same.index.reader().rows.segments()
    assert [segment.halves.contenders(targets[0], 5) for _ in range(3)] == [None] * 3


def test_parts_are_searched_where_no_thread_is_free(corpus_of, word_model, random_vectors, tmp_path, monkeypatch):
    held, asked = random_vectors(400), random_vectors(1, seed=3)[0].tolist()
    retriever = VectorRetriever(corpus_of(held), tmp_path, word_model(32))
    answers = []
    for threads in (WorkerThreads(limit=0), WorkerThreads(limit=1), WorkerThreads()):
        monkeypatch.setattr(side_by_side, "WORKERS", threads)
        for _ in range(3):
            hits = retriever.retrieve(QueryBundle("", embedding=asked, top_k=10))
            answers.append([(hit.node.id, hit.score) for hit in hits])
    assert answers == [nearest(held, range(400), asked, 10)] * 9
