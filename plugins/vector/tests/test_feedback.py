import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import QueryError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import RelevanceFeedback
from retrieverkit_vector import VectorRetriever

numbers = st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])
vectors = st.lists(numbers, min_size=3, max_size=3).filter(any)


def unit(vector):
    return np.array(vector, float) / np.linalg.norm(vector)


@given(
    held=st.lists(vectors, min_size=1, max_size=9),
    asked=vectors,
    chosen=st.lists(st.integers(0, 12), max_size=5, unique=True),
    weight=st.sampled_from([0.0, 0.5, 2.0]),
    limits=st.sampled_from([{}, {"filters": "i < 5"}, {"scope": "i >= 2"}, {"filters": "i < 5", "scope": "i >= 2"}]),
)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_a_query_moves_by_the_definition_under_filters_and_scope(
    corpus_of, word_model, tmp_path_factory, held, asked, chosen, weight, limits
):
    corpus = corpus_of(np.array(held, np.float32))
    retriever = VectorRetriever(corpus, tmp_path_factory.mktemp("s"), word_model(3))
    assert isinstance(retriever, RelevanceFeedback)
    limits = {name: MetadataFilters.parse(text) for name, text in limits.items()}
    query = QueryBundle("", embedding=asked, top_k=4, **limits)
    moved = retriever.moved(query, [i + 1 for i in chosen], weight)
    counted = [
        unit(held[i]) for i in chosen if i < len(held) and all(tree.matches({"i": i}) for tree in limits.values())
    ]
    expected = unit(asked) + weight * np.mean(counted, axis=0) if counted else np.zeros(3)
    if not weight or np.linalg.norm(expected) < 1e-6:
        assert moved is None
        return
    assert moved == query.replace(embedding=moved.embedding)
    assert moved.embedding == pytest.approx(unit(expected) * np.linalg.norm(asked), abs=1e-6)


def test_nodes_that_are_gone_or_have_no_vector_do_not_count(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two", ""])
    model = word_model()
    retriever = VectorRetriever(corpus, tmp_path, model)
    one, two, asked = (unit(vector) for vector in model.embed_queries(["one", "two", "three"]))
    query = QueryBundle("three")
    before = retriever.moved(query, [1, 2, 3], 1.0)
    assert unit(before.embedding) == pytest.approx(unit(asked + (one + two) / 2), abs=1e-6)
    corpus.delete("n0")
    after = retriever.moved(query, [1, 2, 3], 1.0)
    assert unit(after.embedding) == pytest.approx(unit(asked + two), abs=1e-6)
    assert retriever.moved(query, [1], 1.0) is None
    assert retriever.moved(QueryBundle(" "), [2], 1.0) is None
    with pytest.raises(QueryError, match="2 numbers"):
        retriever.moved(QueryBundle("", embedding=[1.0, 2.0]), [2], 1.0)


def test_moving_what_was_just_asked_asks_the_model_no_second_time(new_corpus, word_model, tmp_path):
    corpus = new_corpus(["one", "two"])
    model = word_model()
    retriever = VectorRetriever(corpus, tmp_path, model)
    asked = []
    model.embed_queries = lambda texts, ask=model.embed_queries: [asked.append(list(texts)), ask(texts)][1]
    queries = [QueryBundle("three"), QueryBundle("x", custom_embedding_strs=["four", "five"])]
    single = retriever.retrieve(queries[0])
    retriever.retrieve_many(queries)
    calls = len(asked)
    moved = [retriever.moved(query, [1], 0.5) for query in queries]
    assert len(asked) == calls
    again = retriever.retrieve(moved[0])
    assert len(asked) == calls and {hit.node.id for hit in again} == {hit.node.id for hit in single}
    corpus.add(Node(id="n9", text="nine"))
    assert retriever.moved(queries[0], [1], 0.5) == moved[0]
