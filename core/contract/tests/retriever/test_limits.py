"""How much is asked for, what counts, and what is asked for again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import UNLIMITED, BaseRetriever, IndexNode, MetadataFilters, Node, NodeWithScore, QueryBundle
from retrieverkit_core.errors import QueryError

np = pytest.importorskip("numpy")


class Numbers(BaseRetriever):
    """Ranks the numbers below ``count``, and obeys the limit it is given; nothing said means three."""

    default_top_k = 3

    def __init__(self, count=20, **base):
        super().__init__(**base)
        self.count = count
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle.top_k)
        wanted = range(self.count)[: query_bundle.top_k]
        return [NodeWithScore(Node(id=str(n), text="n", metadata={"n": n, "odd": bool(n % 2)})) for n in wanted]


class Wraps(BaseRetriever):
    """Passes its query on as it is."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def _retrieve(self, query_bundle):
        return self.inner.retrieve(query_bundle)


class AsyncWraps(BaseRetriever):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    async def _aretrieve(self, query_bundle):
        return await self.inner.aretrieve(query_bundle)


def ids(result):
    return [hit.node_id for hit in result]


FILTERS = {
    None: lambda n: True,
    "n >= 7": lambda n: n >= 7,
    "odd == true": lambda n: n % 2 == 1,
    "n > 100": lambda n: False,
    "n < 2": lambda n: n < 2,
}


@given(st.none() | st.integers(0, 40), st.sampled_from(list(FILTERS)))
def test_a_query_that_is_passed_on_finds_as_much_as_was_asked_for(top_k, filters):
    passes = FILTERS[filters]
    passing = [str(n) for n in range(20) if passes(n)]
    for kind in (Wraps, AsyncWraps):
        for wrapped in (kind(Numbers()), kind(kind(Numbers()))):
            assert ids(wrapped.retrieve("q", top_k=top_k, filters=filters)) == passing[:top_k]


def test_an_author_always_has_an_explicit_limit():
    leaf = Numbers()
    leaf.retrieve("q")
    leaf.retrieve("q", top_k=7)
    assert leaf.asked == [3, 7]
    Wraps(leaf).retrieve("q")
    assert leaf.asked == [3, 7, UNLIMITED]


def test_limits_are_laid_over_the_bundle():
    bundle = QueryBundle("q", top_k=2, filters=MetadataFilters.parse("n > 3"), scope=MetadataFilters.parse("n < 10"))
    leaf = Numbers()
    assert ids(leaf.retrieve(bundle)) == ["4", "5"]
    assert ids(leaf.retrieve(bundle, top_k=3, filters={"odd": True})) == ["1", "3", "5"]
    assert ids(leaf.retrieve(bundle, top_k=9, scope={"n": [5, 7, 11]})) == ["5", "7"]
    assert ids(asyncio.run(leaf.aretrieve(bundle, filters={"key": "n", "operator": "==", "value": 6}))) == ["6"]


class Chunks(BaseRetriever):
    """Finds forty index nodes that lead to ten parents, four chunks each side by side."""

    default_top_k = 5

    def __init__(self):
        super().__init__()
        self.parents = [Node(id=f"parent {n}", text="p", metadata={"n": n}) for n in range(10)]

    def _retrieve(self, query_bundle):
        found = [IndexNode(id=f"chunk {n}", text="c", index_id=str(n), obj=self.parents[n // 4]) for n in range(40)]
        return [NodeWithScore(node, 1.0) for node in found][: query_bundle.top_k]


@pytest.mark.parametrize(
    ("limits", "found"), [({}, 5), ({"top_k": 7}, 7), ({"top_k": 30}, 10), ({"filters": "n >= 8"}, 2)]
)
def test_duplicates_are_made_good_by_asking_for_more(limits, found):
    for result in (Chunks().retrieve("q", **limits), asyncio.run(Chunks().aretrieve("q", **limits))):
        assert len(result) == found
        assert len(set(ids(result))) == found


class Two(BaseRetriever):
    """Finds two index nodes that lead to retrievers."""

    default_top_k = 2

    def __init__(self, *targets):
        super().__init__()
        self.targets = targets

    def _retrieve(self, query_bundle):
        nodes = [IndexNode(id=f"to {n}", index_id=str(n), obj=target) for n, target in enumerate(self.targets)]
        return [NodeWithScore(node, 1.0) for node in nodes][: query_bundle.top_k]


class Named(Numbers):
    def __init__(self, first):
        super().__init__()
        self.first = first

    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return [NodeWithScore(Node(id=f"{self.first}{hit.node_id}", metadata=hit.metadata)) for hit in found]


def test_what_index_nodes_lead_to_comes_whole_and_the_caller_cuts_the_whole():
    two = Two(Named("a"), Named("b"))
    assert ids(two.retrieve("q")) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert ids(two.retrieve("q", top_k=2)) == ["a0", "a1"]
    assert [leg.n for leg in two.retrieve("q").legs] == [3, 3]


def test_what_was_entered_once_in_a_call_is_not_entered_again():
    targets = [Named(chr(97 + n)) for n in range(40)]

    class Many(Two):
        default_top_k = None

    result = Many(*targets).retrieve("q", top_k=5, filters="n == 99")
    assert len(result) == 0
    assert all(len(target.asked) == 1 for target in targets if target.asked)
    assert len(result.legs) == sum(bool(target.asked) for target in targets) == 40


def test_index_nodes_pass_by_what_they_lead_to_whatever_is_pushed():
    class Pushes(BaseRetriever):
        default_top_k = 5

        def can_push(self, filter):
            return True

        def _retrieve(self, query_bundle):
            pointer = IndexNode(id="pointer", text="p", index_id="target")
            nodes = [pointer, Node(id="plain", metadata={"year": 1960}), Node(id="other", metadata={"year": 1})]
            wanted = [node for node in nodes if query_bundle.filters is None or query_bundle.filters.admits(node)]
            return [NodeWithScore(node, 1.0) for node in wanted][: query_bundle.top_k]

    retriever = Pushes(object_map={"target": Node(id="t", metadata={"year": 1960})})
    assert ids(retriever.retrieve("q", filters="year == 1960")) == ["t", "plain"]
    assert ids(retriever.retrieve("q", filters="year == 1")) == ["other"]
    assert ids(Pushes().retrieve("q", filters="year == 1960")) == ["plain"]


def test_ids_can_be_filtered_by():
    leaf = Numbers()
    assert ids(leaf.retrieve("q", filters="_node_id in ['4', '17']")) == ["4", "17"]
    assert ids(leaf.retrieve("q", filters="_doc_id != 'x' and _node_id == '3'")) == ["3"]


@pytest.mark.parametrize("top_k", [np.int8(100), np.uint8(100), np.int64(100), np.array(100)])
def test_a_limit_of_numpy_is_a_number_like_any_other(top_k):
    numbers = Numbers(300)
    assert len(numbers.retrieve("q", top_k=top_k, filters="n >= 50")) == 100
    assert all(type(asked) is int and asked > 0 for asked in numbers.asked)


def test_more_than_all_is_all():
    numbers = Numbers(300)
    assert len(numbers.retrieve("q", top_k=2**70, filters="n >= 50")) == 250
    assert numbers.asked == [UNLIMITED]


@pytest.mark.parametrize("top_k", [np.bool_(True), np.array([1, 2]), np.float64(3), 2.0, "3", True])
def test_what_is_not_a_whole_number_is_not_a_limit(top_k):
    with pytest.raises(QueryError, match="whole number"):
        QueryBundle("q", top_k=top_k)


def test_texts_to_embed_may_come_from_a_generator():
    assert QueryBundle("q", custom_embedding_strs=(text for text in ("a", "b"))).embedding_strs == ("a", "b")


@pytest.mark.parametrize("wrong", [{"custom_embedding_strs": 5}, {"custom_embedding_strs": [1]}, {"embedding": "12"}])
def test_what_cannot_be_embedded_is_refused(wrong):
    with pytest.raises(QueryError):
        QueryBundle("q", **wrong)


@pytest.mark.parametrize("queries", ["wind", QueryBundle("wind"), None, 5])
def test_a_single_query_is_not_several(queries):
    with pytest.raises(QueryError, match="several"):
        Numbers(3).retrieve_many(queries)
    with pytest.raises(QueryError, match="several"):
        asyncio.run(Numbers(3).aretrieve_many(queries))
