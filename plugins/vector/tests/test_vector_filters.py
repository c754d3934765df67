import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_vector import VectorRetriever

oracle = pytest.importorskip("retrieverkit_testkit.filters_oracle", reason="needs retrieverkit-testkit")


@given(
    metadatas=st.lists(oracle.metadatas(), min_size=1, max_size=12),
    queries=st.lists(st.tuples(oracle.filter_trees(), st.none() | oracle.filter_trees()), min_size=1, max_size=8),
    gone=st.sets(st.integers(0, 11), max_size=3),
)
@settings(suppress_health_check=list(HealthCheck))
def test_filters_and_scope_are_as_the_rules_say(new_corpus, word_model, tmp_path_factory, metadatas, queries, gone):
    corpus = new_corpus()
    corpus.add(*(Node(text=f"w{i % 3}", id=str(i), metadata=m) for i, m in enumerate(metadatas)))
    retriever = VectorRetriever(corpus, tmp_path_factory.mktemp("s"), word_model(), top_k=100)
    retriever.retrieve("w1")
    corpus.delete(*map(str, gone))
    for filters, scope in queries:
        wanted = {
            str(i)
            for i, metadata in enumerate(metadatas)
            if i not in gone
            and all(oracle.oracle_matches(t.model_dump(mode="json"), metadata) for t in (filters, scope) if t)
        }
        result = retriever.retrieve(QueryBundle("w1", filters=filters, scope=scope))
        assert {hit.node.id for hit in result} == wanted
        combined = MetadataFilters.and_(filters, scope)
        pushed = retriever._retrieve(QueryBundle("w1", top_k=100, filters=combined))
        assert {str(ordinal - 1) for ordinal, _ in pushed} == wanted
        left = MetadataFilters.parse(result.filters.rechecked or "true")
        assert list(left.leaves()) == []  # only what holds no filter at all is left to core
        assert result.warnings == ()
        for k in (1, 3):
            few = retriever.retrieve(QueryBundle("w1", filters=filters, scope=scope, top_k=k))
            assert few == result[:k]


def test_every_share_that_a_filter_lets_through(corpus_of, word_model, random_vectors, tmp_path):
    retriever = VectorRetriever(corpus_of(random_vectors(2000)), tmp_path, word_model(32), top_k=2000)
    asked = random_vectors(1, seed=3)[0].tolist()
    every = retriever.retrieve(QueryBundle("", embedding=asked))
    for most in (0, 1, 3, 100, 399, 401, 1000, 1999, 2000):
        filters = MetadataFilters.parse(f"i < {most}")
        expected = [hit for hit in every if hit.node.metadata["i"] < most]
        assert retriever.retrieve(QueryBundle("", embedding=asked, filters=filters)) == expected
        assert retriever.retrieve(QueryBundle("", embedding=asked, filters=filters, top_k=5)) == expected[:5]


def test_a_state_of_one_index_is_never_mixed_with_nodes_of_another(corpus_of, word_model, random_vectors, tmp_path):
    """Between the two indexes a node may come or go."""
    corpus = corpus_of(random_vectors(50))
    retriever = VectorRetriever(corpus, tmp_path, word_model(32), top_k=100)
    vectors = retriever.index.reader()
    corpus.delete("n3", "n4")
    corpus.add(Node(id="new", metadata={"i": 1}, embedding=[1.0] * 32))
    admitted = vectors.admitted(retriever._metadata.reader(), MetadataFilters.parse("i < 10"))
    assert [corpus.fetch([o])[0].id for o in vectors.rows.ordinals[admitted.rows].tolist()] == [
        f"n{i}" for i in (0, 1, 2, 5, 6, 7, 8, 9)
    ]
