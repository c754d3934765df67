import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_bm25.columns import NUMBERS
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle

oracle = pytest.importorskip("retrieverkit_testkit.filters_oracle", reason="needs retrieverkit-testkit")


def found_by_engine(retriever, filters):
    """Return the ids of what the retriever finds before core checks the filters."""
    pairs = retriever._retrieve(QueryBundle("word", top_k=100, filters=filters))
    return [node.id for node in retriever.index.corpus.fetch([ordinal for ordinal, _ in pairs])]


@given(
    metadatas=st.lists(oracle.metadatas(), min_size=1, max_size=12),
    trees=st.lists(oracle.filter_trees(), min_size=1, max_size=12),
)
@settings(suppress_health_check=list(HealthCheck))
def test_the_engine_filters_as_the_rules_say(new_corpus, tmp_path_factory, metadatas, trees):
    corpus = new_corpus()
    corpus.add(*(Node(text="word", id=str(i), metadata=m) for i, m in enumerate(metadatas)))
    retriever = Bm25Retriever(corpus, tmp_path_factory.mktemp("s"))
    everything = retriever.retrieve(QueryBundle("word", top_k=100))
    for tree in trees:
        passing = [str(i) for i, m in enumerate(metadatas) if oracle.oracle_matches(tree.model_dump(mode="json"), m)]
        result = retriever.retrieve(QueryBundle("word", top_k=100, filters=tree))
        assert [hit.node.id for hit in result] == passing, tree
        assert {hit.score for hit in result} <= {hit.score for hit in everything}
        if all(map(retriever.can_push, tree.leaves())):
            assert found_by_engine(retriever, tree) == passing, tree


@pytest.mark.parametrize(
    ("text", "pushed"),
    [
        ("a == 'x' and not (b in [1, null] or is_empty(c))", True),
        ("a >= 1960 and a < 2.5e3", True),
        ("a > '2024-01-05'", True),
        ("a == 9007199254740993", True),
        ("a > 9007199254740993", False),
        ("a < 'm'", False),
        ("text_match(a, 'x')", False),
    ],
)
def test_what_the_engine_applies(new_corpus, tmp_path, text, pushed):
    retriever = Bm25Retriever(new_corpus(["word"]), tmp_path)
    assert all(map(retriever.can_push, MetadataFilters.parse(text).leaves())) is pushed


def test_more_keys_than_columns(new_corpus, tmp_path):
    corpus = new_corpus()
    retriever = Bm25Retriever(corpus, tmp_path)
    corpus.add(*(Node(text="word", id=str(i), metadata={f"key{i}": i}) for i in range(NUMBERS + 5)))
    last = MetadataFilters([MetadataFilter(f"key{NUMBERS + 4}", 0, ">")])
    assert not retriever.can_push(last.filters[0])
    assert [hit.node.id for hit in retriever.retrieve(QueryBundle("word", filters=last))] == [str(NUMBERS + 4)]
    assert found_by_engine(retriever, last) == [str(NUMBERS + 4)]
    first = MetadataFilters([MetadataFilter("key7", 7, ">=")])
    assert retriever.can_push(first.filters[0])
    assert [hit.node.id for hit in retriever.retrieve(QueryBundle("word", filters=first))] == ["7"]


def test_large_lists_of_values(new_corpus, tmp_path):
    corpus = new_corpus()
    corpus.add(*(Node(text="word", id=str(i), metadata={"n": i}) for i in range(1000)))
    retriever = Bm25Retriever(corpus, tmp_path, top_k=1000)
    some = MetadataFilters([MetadataFilter("n", list(range(0, 1000, 2)), "in")])
    assert len(retriever.retrieve(QueryBundle("word", filters=some))) == 500
    none = MetadataFilters([MetadataFilter("n", list(range(1000)), "nin")])
    assert retriever.retrieve(QueryBundle("word", filters=none)) == []
