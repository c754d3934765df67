"""What index nodes lead to."""

import asyncio
import weakref

import pytest

from retrieverkit_core import (
    BaseRetriever,
    FilterCapabilities,
    IndexNode,
    MetadataFilters,
    Node,
    NodeWithScore,
    QueryBundle,
    RetrievalResult,
)
from retrieverkit_core.errors import ConfigError, PluginContractError, RecursionLimitError, RetrievalError


def lead(index_id, obj=None, score=0.5):
    return NodeWithScore(IndexNode(id=f"index-{index_id}", text="", index_id=index_id, obj=obj), score)


def both(retriever, query="q"):
    sync = retriever.retrieve(query)
    assert asyncio.run(retriever.aretrieve(query)) == sync
    return sync


def test_scores_of_what_is_led_to(returns, make_hit):
    own, node, child = make_hit("own", 0.9), Node(id="node", text="x"), returns([make_hit("child", 0.2)])
    found = both(returns([lead("1", own), lead("2", node), lead("3", child), lead("4", Node(id="zero"), score=0.0)]))
    assert [(h.node_id, h.score) for h in found] == [
        ("own", 0.9),
        ("node", 0.5),
        ("child", 0.2),
        ("zero", 0.0),
    ]


def test_object_map_objects_and_unknown_ids(returns):
    mapped, given = Node(id="mapped"), Node(id="given")
    retriever = returns(
        [lead("a"), lead("b"), lead("unknown")],
        object_map={"a": mapped, "b": mapped},
        objects=[IndexNode(index_id="b", obj=given)],
    )
    assert [h.node_id for h in both(retriever)] == ["mapped", "given", "index-unknown"]


def test_a_falsy_retriever_is_still_entered(make_hit):
    class Empty(BaseRetriever):
        def __len__(self):
            return 0

        def _retrieve(self, query_bundle):
            return [make_hit("found", 1.0)]

    class Root(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [lead("a", Empty())]

    assert [h.node_id for h in both(Root())] == ["found"]


def test_chains_are_followed_and_duplicates_merge(returns, make_hit):
    end = Node(id="end")
    middle = IndexNode(id="middle", index_id="m", obj=end)
    result = both(returns([lead("a", middle), lead("b", end), make_hit("end", 0.1)]))
    assert [(h.node_id, h.score) for h in result] == [("end", 0.5)]
    assert len(result[0].evidence) == 3


def test_query_engines_answer(returns):
    class Engine:
        def query(self, query):
            return f"answer to {query.query_str}"

    result = both(returns([lead("table", Engine())]), "who?")
    assert [(h.text, h.score) for h in result] == [("answer to who?", 0.5)]


def test_what_cannot_be_asked_is_an_error(returns):
    with pytest.raises(RetrievalError, match="int"):
        returns([lead("a", 3)]).retrieve("q")


def test_circles_end_with_their_path(returns):
    first = IndexNode(id="first", index_id="1")
    second = IndexNode(id="second", index_id="2", obj=first)
    first.obj = second
    for run in (lambda r: r.retrieve("q"), lambda r: asyncio.run(r.aretrieve("q"))):
        with pytest.raises(RecursionLimitError) as caught:
            run(returns([NodeWithScore(first, 1.0)]))
        assert caught.value.path == ("first", "second", "first")


def test_nodes_of_two_corpora_may_have_one_id(returns, make_hit):
    inner = returns([lead("table", Node(id="row"))])
    assert [h.node_id for h in both(returns([lead("table", inner)]))] == ["row"]


def test_a_retriever_that_leads_to_itself_ends(returns):
    retriever = returns([])
    retriever.value = [lead("self", retriever)]
    with pytest.raises(RecursionLimitError):
        retriever.retrieve("q")
    with pytest.raises(RecursionLimitError):
        asyncio.run(retriever.aretrieve("q"))


def test_a_chain_of_ten_thousand_ends(returns):
    node = Node(id="end")
    for i in range(10_000):
        node = IndexNode(id=f"n{i}", index_id=str(i), obj=node)
    with pytest.raises(RecursionLimitError):
        returns([NodeWithScore(node, 1.0)]).retrieve("q")


def test_scope_holds_for_what_index_nodes_lead_to(returns):
    ours, theirs = Node(id="ours", metadata={"tenant": "a"}), Node(id="theirs", metadata={"tenant": "b"})
    inner = returns([NodeWithScore(theirs, 0.9), NodeWithScore(ours, 0.8)])
    query = QueryBundle("q", scope=MetadataFilters.parse("tenant == 'a'"))
    retriever = returns([lead("1", inner), lead("2", theirs)])
    assert [h.node_id for h in both(retriever, query)] == ["ours"]


def test_async_expansion_is_concurrent(make_hit):
    async def main():
        gate = asyncio.Barrier(3)

        class Meets(BaseRetriever):
            async def _aretrieve(self, query_bundle):
                await asyncio.wait_for(gate.wait(), 30)
                return [make_hit(str(id(self)), 1.0)]

        class Root(BaseRetriever):
            async def _aretrieve(self, query_bundle):
                return [lead(str(i), Meets()) for i in range(3)]

        return await Root().aretrieve("q")

    assert len(asyncio.run(main())) == 3


def test_targets_that_are_made_for_each_round_are_told_apart(make_hit):
    class Leaf(BaseRetriever):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def _retrieve(self, query_bundle):
            return [make_hit(f"n{self.number}", 1.0, number=self.number)]

    class Fresh(BaseRetriever):
        def __init__(self):
            super().__init__()
            self.made = []

        def _retrieve(self, query_bundle):
            assert all(target() for target in self.made)  # or a new one could be taken for one of them
            targets = [Leaf(len(self.made) + number) for number in range(min(query_bundle.top_k, 400))]
            self.made += map(weakref.ref, targets)
            return [NodeWithScore(IndexNode(id=f"i{leaf.number}", obj=leaf), 1.0) for leaf in targets]

    result = Fresh().retrieve("q", top_k=5, filters="number >= 300")
    assert [hit.node_id for hit in result] == [f"n{number}" for number in range(300, 305)]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_is_entered_is_heard_out(make_hit, how):
    class Leaks(BaseRetriever):
        name = "leaks"
        notes = ("model: m",)
        filter_capabilities = FilterCapabilities(frozenset({">="}))

        def _retrieve(self, query_bundle):
            return [make_hit(str(number), 1.0, number=number) for number in range(5)]

    class Leads(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(IndexNode(id="pointer", obj=Leaks()), 1.0)]

    query = QueryBundle("q", filters=MetadataFilters.parse("number >= 2"))
    result = Leads().retrieve(query) if how == "sync" else asyncio.run(Leads().aretrieve(query))
    assert [hit.node_id for hit in result] == ["2", "3", "4"]
    (warning,) = result.warnings
    assert "leaks@pointer" in warning
    assert "2 hits that its filters exclude" in warning
    assert [leg.note for leg in result.legs] == ["model: m"]


def test_what_was_dropped_is_counted_where_index_nodes_lead(returns, make_hit):
    class Engine:
        def retrieve(self, query):
            return [make_hit(str(number), 1.0, number=number) for number in range(10)]

    led = returns([NodeWithScore(IndexNode(id="pointer", obj=Engine()), 1.0)])
    assert led.retrieve("q", filters="number >= 7").filters.dropped == 7
    twice = returns([NodeWithScore(IndexNode(id="pointer", obj=make_hit("a", number=1)), 1.0), make_hit("a", number=1)])
    assert twice.retrieve("q", filters="number == 1").filters.dropped == 0


def test_results_of_other_classes_are_checked_as_lists_are(returns, make_hit):
    class Foreign:
        def retrieve(self, query):
            return RetrievalResult([make_hit("a", float("nan"))])

    with pytest.raises(PluginContractError, match="nan"):
        returns([NodeWithScore(IndexNode(id="pointer", obj=Foreign()), 1.0)]).retrieve("q")


def test_objects_are_told_apart_by_their_index_id(returns):
    one, other = Node(id="one"), Node(id="other")
    for wrong in (
        [IndexNode(id="a", obj=one)],
        [IndexNode(index_id="x", obj=one), IndexNode(index_id="x", obj=other)],
        [one],
    ):
        with pytest.raises(ConfigError):
            returns([], objects=wrong)
    stored = [NodeWithScore(IndexNode(id="stored", index_id="x"), 1.0)]
    leads = returns(stored, object_map={"x": one}, objects=[IndexNode(index_id="x")])
    assert [hit.node_id for hit in leads.retrieve("q")] == ["one"]
