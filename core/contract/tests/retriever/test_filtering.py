"""Filters and scope around an author's code."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import (
    UNLIMITED,
    BaseRetriever,
    FilterCapabilities,
    IndexNode,
    MetadataFilters,
    Node,
    NodeWithScore,
    QueryBundle,
)
from retrieverkit_core.errors import FilterTypeError, UnknownFieldError


class Ranked(BaseRetriever):
    """Ranks nodes by their number; applies the operators it declares, or claims to and does not."""

    def __init__(self, nodes, operators=(), honest=True, obeys_top_k=True):
        super().__init__()
        self.nodes = nodes
        self.filter_capabilities = FilterCapabilities(operators=frozenset(operators))
        self.honest, self.obeys_top_k = honest, obeys_top_k
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        passing = self.nodes
        if self.honest and query_bundle.filters is not None:
            passing = [node for node in passing if query_bundle.filters.matches(node.metadata)]
        hits = [NodeWithScore(node, float(-at)) for at, node in enumerate(passing)]
        return hits[: query_bundle.top_k] if self.obeys_top_k else hits


metadata = st.fixed_dictionaries({"year": st.integers(0, 9), "lang": st.sampled_from(["de", "en", "fr"])})
texts = st.sampled_from(
    [
        "year >= 5",
        "lang == 'de'",
        "year < 2 or lang == 'en'",
        "not (year == 3)",
        "year > 4 and lang in ['de', 'fr']",
    ]
)


@given(
    st.lists(metadata, max_size=300),
    texts,
    st.none() | texts,
    st.none() | st.integers(0, 50),
    st.sets(st.sampled_from(["==", ">=", "<", ">", "in"])),
    st.booleans(),
)
def test_filtered_results_equal_brute_force(metadatas, filters, scope, top_k, operators, obeys_top_k):
    nodes = [Node(id=str(at), metadata=m) for at, m in enumerate(metadatas)]
    trees = [MetadataFilters.parse(text) for text in (filters, scope) if text is not None]
    expected = [n.id for n in nodes if all(tree.matches(n.metadata) for tree in trees)][:top_k]
    retriever = Ranked(nodes, operators, obeys_top_k=obeys_top_k)
    query = QueryBundle("q", top_k=top_k, filters=trees[0], scope=trees[1] if scope else None)
    result = retriever.retrieve(query)
    assert [h.node_id for h in result] == expected
    assert result.filters.leaked == ()
    assert [h.node_id for h in asyncio.run(retriever.aretrieve(query))] == expected
    for asked in retriever.asked:
        pushed = asked.filters
        assert pushed is None or all(leaf.operator.value in operators for leaf in pushed.leaves())


def test_a_leak_is_reported_by_name_and_dropped():
    nodes = [Node(id=str(i), metadata={"tenant": "ab"[i % 2]}) for i in range(6)]
    retriever = Ranked(nodes, operators=["=="], honest=False)
    retriever.distribution = "leaky 1.0"
    result = retriever.retrieve(QueryBundle("q", scope=MetadataFilters.parse("tenant == 'a'")))
    assert [h.node_id for h in result] == ["0", "2", "4"]
    assert result.filters.leaked == ("1", "3", "5")
    assert "leaky 1.0" in result.warnings[0]


def test_what_was_pushed_and_what_was_rechecked_is_told():
    nodes = [Node(id=str(i), metadata={"year": i, "lang": "de"}) for i in range(10)]
    query = QueryBundle("q", filters=MetadataFilters.parse("year >= 5 and lang == 'de'"))
    report = Ranked(nodes, operators=["=="]).retrieve(query).filters
    assert (report.pushed, report.rechecked, report.dropped) == ("lang == 'de'", "year >= 5", 5)


def test_fields_are_checked_where_they_are_known():
    retriever = Ranked([Node(id="1", metadata={"year": 1961})])
    retriever.known_fields = lambda: {"year": frozenset({"number"})}
    with pytest.raises(UnknownFieldError, match="year"):
        retriever.retrieve(QueryBundle("q", filters=MetadataFilters.parse("yaer > 1960")))
    with pytest.raises(FilterTypeError):
        retriever.retrieve(QueryBundle("q", filters=MetadataFilters.parse("year == '1961'")))
    with pytest.raises(UnknownFieldError, match="no node in scope") as caught:
        retriever.retrieve("q", filters="yaer == 1", scope="year == 1961")
    assert "year" not in str(caught.value)
    retriever.known_fields = dict
    with pytest.raises(UnknownFieldError, match="tenant"):
        retriever.retrieve("q", filters="tenant != 'x'")
    retriever.known_fields = lambda: None
    assert len(retriever.retrieve("q", filters="tenant != 'x'")) == 1


def test_a_filter_that_matches_nothing_is_not_leaked_by_who_reads_no_filters(returns, make_hit):
    result = returns([make_hit("a"), make_hit("b")]).retrieve("q", filters=MetadataFilters([], "or"))
    assert (list(result), result.warnings, result.filters.dropped) == ([], (), 2)


def test_a_composite_with_an_object_map_finds_what_its_index_nodes_lead_to(returns, make_hit):
    class Composite(BaseRetriever):
        filter_capabilities = FilterCapabilities(delegates=True)

        def __init__(self, leg, **base):
            super().__init__(**base)
            self.leg = leg

        def _retrieve(self, query_bundle):
            return self.leg.retrieve(query_bundle)

    pointer = NodeWithScore(IndexNode(id="pointer", index_id="x", metadata={"year": 1950}), 1.0)
    leg = returns([pointer, make_hit("old", year=1950), make_hit("new", year=1990)])
    composite = Composite(leg, object_map={"x": Node(id="behind", metadata={"year": 1980})})
    result = composite.retrieve("q", filters="year >= 1960")
    assert [hit.node_id for hit in result] == ["behind", "new"]
    assert (result.filters.rechecked, result.filters.dropped, result.warnings) == ("year >= 1960", 1, ())

    scoped = composite.retrieve("q", scope="year >= 1960")
    assert [hit.node_id for hit in scoped] == ["new"]
    assert any("index nodes" in note for note in scoped.notes)


@pytest.mark.parametrize("leads", [False, True])
def test_who_asks_a_model_is_given_all_filters_and_asked_once(make_hit, leads):
    class Asks(BaseRetriever):
        asks_model = True

        def __init__(self, honest, **base):
            super().__init__(**base)
            self.honest = honest
            self.asked = []

        def _retrieve(self, query_bundle):
            self.asked.append(query_bundle)
            hits = [make_hit(f"n{year}", year=year) for year in range(1900, 2000)]
            return [hit for hit in hits if not self.honest or query_bundle.filters.admits(hit.node)]

    object_map = {"x": Node(id="behind")} if leads else {}
    for scope in ("year < 1999", MetadataFilters([], "or")):
        asks, leaks = Asks(True, object_map=object_map), Asks(False, object_map=object_map)
        found = [asker.retrieve("q", top_k=50, filters="year >= 1990", scope=scope) for asker in (asks, leaks)]
        assert found[0] == found[1]
        assert len(found[0]) == (9 if scope == "year < 1999" else 0)
        assert (len(asks.asked), len(leaks.asked), asks.asked[0].top_k) == (1, 1, UNLIMITED)
        assert bool(found[1].warnings) is not leads
        assert any("index nodes" in note for note in found[0].notes) is leads


@pytest.mark.parametrize("depth", [1, 2])
def test_a_composite_passes_filters_on_to_who_asks_a_model_though_index_nodes_lead_on(make_hit, depth):
    class Asks(BaseRetriever):
        asks_model = True

        def _retrieve(self, query_bundle):
            shown.extend(hit for hit in hits if query_bundle.filters.admits(hit.node))
            return list(shown)

    class Composite(BaseRetriever):
        filter_capabilities = FilterCapabilities(delegates=True)

        def __init__(self, leg, **base):
            super().__init__(**base)
            self.sub_retrievers_ = [leg]

        @property
        def sub_retrievers(self):
            return self.sub_retrievers_

        def _retrieve(self, query_bundle):
            return self.sub_retrievers_[0].candidates(query_bundle)

    shown = []
    hits = [make_hit(f"n{year}", year=year) for year in range(1990, 2000)]
    object_map = {"x": Node(id="behind", metadata={"year": 1999})}
    asked = Asks(object_map=object_map)
    for _ in range(depth):
        asked = Composite(asked, object_map=object_map)
    result = asked.retrieve("q", filters="year >= 1995", scope="year < 1999")
    assert [hit.node_id for hit in shown] == ["n1995", "n1996", "n1997", "n1998"]
    assert [hit.node_id for hit in result] == [hit.node_id for hit in shown]
    assert any("index nodes that do not pass themselves" in note for note in result.notes)


@pytest.mark.parametrize("overridden", ["_retrieve", "_aretrieve"])
def test_who_overrides_one_way_to_answer_is_asked_that_way_always(make_hit, overridden):
    class Base(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [make_hit("base")]

        async def _aretrieve(self, query_bundle):
            return [make_hit("base")]

        def _retrieve_many(self, query_bundles):
            return [[make_hit("base")] for _ in query_bundles]

    async def answered(self, query_bundle):
        return [make_hit("own")]

    ways = {"_retrieve": lambda self, query_bundle: [make_hit("own")], "_aretrieve": answered}
    own = type("Own", (Base,), {overridden: ways[overridden]})()
    found = [own.retrieve("q"), asyncio.run(own.aretrieve("q")), *own.retrieve_many(["q"])]
    assert [[hit.node_id for hit in result] for result in found] == [["own"]] * 3
