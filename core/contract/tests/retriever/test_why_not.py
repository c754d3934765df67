"""Why a node is not among the hits, of retrievers that say nothing of themselves."""

import pytest

from retrieverkit_core import (
    BaseRetriever,
    Budget,
    IndexNode,
    MetadataFilters,
    Node,
    NodeWithScore,
    Plan,
    deadline,
    explain,
)
from retrieverkit_core.errors import BudgetExceededError, DeadlineExceededError, FilterError
from retrieverkit_core.explain import Code
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult


def hits(*ids, **metadata):
    return [NodeWithScore(Node(id=i, text=i, metadata=metadata), 1 / at) for at, i in enumerate(ids, 1)]


class Leaf(BaseRetriever):
    """Finds the same for every query, and counts how often it is asked."""

    default_top_k = 2

    def __init__(self, found, name="leaf", **base):
        super().__init__(**base)
        self.found, self.name, self.asked = found, name, 0

    def _retrieve(self, query_bundle):
        self.asked += 1
        return self.found[: query_bundle.top_k]


class Broken(Leaf):
    def _retrieve(self, query_bundle):
        raise OSError("no disk")


class First(BaseRetriever):
    """Returns what its legs find, one after the other, without what does not pass a test."""

    filter_capabilities = FilterCapabilities(delegates=True)
    default_top_k = 9

    def __init__(self, *legs, keeps=lambda hit: True, changes=None):
        super().__init__()
        self.legs, self.keeps, self.changes = legs, keeps, changes or {}

    @property
    def sub_retrievers(self):
        return self.legs

    def _retrieve(self, query_bundle):
        found, statuses = [], []
        for leg in self.legs:
            try:
                found += leg.retrieve(query_bundle.replace(top_k=None, **self.changes))
            except Exception as error:
                statuses.append(LegStatus(leg.name, LegState.FAILED, error=error))
        return RetrievalResult([hit for hit in found if self.keeps(hit)], legs=statuses)


class Parents(First):
    """Puts parents in the place of their children."""

    def _retrieve(self, query_bundle):
        found = self.legs[0].retrieve(query_bundle)
        with explain.stage("merge", came=found, code=Code.DEDUPLICATED_INTO) as stage:
            merged = [NodeWithScore(Node(id="parent", text="all"), 1.0)]
            stage.went(merged)
            for hit in found:
                stage.replaced(hit.node_id, by="parent")
        return merged


class Paid(Leaf):
    def _plan(self, query_bundle):
        return Plan(self.name, llm_calls=1)


def why(retriever, node_id, **asked):
    told = retriever.why_not("q", node_id, **asked)
    return told.code, told.stage


def test_a_leaf_alone():
    leaf = Leaf(hits("a", "b", "c"))
    told = leaf.why_not("q", "c")
    assert (told.code, told.stage, told.would[0].top_k) == (Code.CUT_BY_TOP_K, "cut", 3)
    assert told.text == "rank 3 in leaf, top_k 2; enters at top_k >= 3"
    assert leaf.asked <= 8
    assert why(leaf, "a") == (Code.RETURNED, "")
    assert why(leaf, "nowhere") == (Code.NOT_INDEXED, "")
    assert told.as_dict()["would"][0]["text"] == "top_k >= 3"
    assert str(told).startswith("cut_by_top_k: ")


def test_a_leg_below_its_own_cut_and_one_that_leaves_out():
    assert why(First(Leaf(hits("a", "b", "c"))), "c") == (Code.BELOW_LEG_CUT, "leaf/search")
    composite = First(Leaf(hits("a", "b")), keeps=lambda hit: hit.node_id != "b")
    assert why(composite, "b") == (Code.RERANKED_OUT, "combine")


def test_filters_and_scopes_of_the_caller_and_of_a_composite():
    found = [*hits("a", "b", tenant="ours"), *hits("SECRET", tenant="theirs")]
    leaf = Leaf(found)
    assert why(leaf, "a", filters="tenant == 'theirs'") == (Code.FILTERED, "filter")
    corpus = Held(Node(id="t", text="t", metadata={"tenant": "theirs", "year": 1960}))
    for changes, code in (
        ({"scope": MetadataFilters.parse("tenant == 'ours'")}, Code.OUT_OF_SCOPE),
        ({"filters": MetadataFilters.parse("year > 1960")}, Code.FILTERED),
    ):
        composite = First(Over(Leaf, corpus, "leaf"), changes=changes)
        assert why(composite, "t") == (code, "leaf")
    under = {"scope": {"tenant": "ours"}}
    outside, unknown = (leaf.why_not("q", node_id, **under) for node_id in ("SECRET", "nothing"))
    assert repr(outside).replace("SECRET", "nothing") == repr(unknown)
    assert unknown.code is Code.NOT_INDEXED


def test_another_node_stands_for_it():
    told = Parents(Leaf(hits("child"))).why_not("q", "child")
    assert (told.code, told.stage) == (Code.DEDUPLICATED_INTO, "merge")
    assert "'parent'" in told.text
    lead = [NodeWithScore(IndexNode(id="i", text="i", obj=Node(id="x", text="x"), index_id="x"), 1.0)]
    assert why(Leaf(lead), "i") == (Code.DEDUPLICATED_INTO, "expand")


def test_a_leg_that_failed_might_have_had_it():
    told = First(Broken([], "broken"), Leaf(hits("a"))).why_not("q", "z")
    assert told.code is Code.NOT_INDEXED
    corpus = Held(Node(id="z", text="z"))
    told = First(Over(Broken, corpus, "broken"), Over(Leaf, corpus, "leaf")).why_not("q", "z")
    assert (told.code, told.stage) == (Code.LEG_FAILED, "broken")
    assert "no disk" in told.text
    assert why(Over(Broken, corpus, "alone"), "z") == (Code.LEG_FAILED, "alone")


class Held:
    """As much of a corpus as is asked for."""

    def __init__(self, *nodes):
        self.nodes = {node.id: node for node in nodes}

    def get(self, node_ids):
        return [self.nodes.get(node_id) for node_id in node_ids]


def Over(kind, corpus, name):  # noqa: N802 - it makes an instance of a class that it makes
    class Searches(kind):
        searched_corpus = corpus

    return Searches([], name)


def test_a_model_is_not_paid_to_find_what_would_have_kept_it():
    paid = Paid(hits("a", "b", "c"))
    told = paid.why_not("q", "c")
    assert paid.asked == 1
    assert told.would == ()


def test_what_the_caller_has_to_mend_is_raised():
    with pytest.raises(FilterError):
        Leaf([]).why_not("q", "a", filters="year >=")

    class Late(Leaf):
        def _retrieve(self, query_bundle):
            raise DeadlineExceededError("late", None)

    class Spends(Leaf):
        def _retrieve(self, query_bundle):
            raise BudgetExceededError("llm_calls", 0, 1)

    with pytest.raises(DeadlineExceededError):
        Late([]).why_not("q", "a", timeout=5.0)
    with pytest.raises(BudgetExceededError):
        Spends([]).why_not("q", "a", budget=Budget(llm_calls=0))


def test_the_search_for_what_would_have_kept_it_ends_with_the_time():
    class Slow(Leaf):
        def _retrieve(self, query_bundle):
            if query_bundle.top_k > 2:
                left.append(deadline.remaining())
                raise DeadlineExceededError("slow", None)
            return super()._retrieve(query_bundle)

    left = []
    slow = Slow(hits("a", "b", "c"))
    slow._searched_corpus = Held(Node(id="c", text="c"))
    told = slow.why_not("q", "c", timeout=30.0)
    assert told.would == ()
    assert told.code is Code.BELOW_LEG_CUT
    assert all(0 < each <= 30.0 for each in left)


def test_a_search_that_finds_more_when_asked_for_more():
    class Approximate(Leaf):
        def _retrieve(self, query_bundle):
            return self.found if query_bundle.top_k > 1000 else [self.found[0], self.found[2]]

    told = Approximate(hits("a", "b", "c")).why_not("q", "b")
    assert told.code is Code.BELOW_LEG_CUT
    assert "where all is asked for" in told.text


def test_why_not_is_final():
    with pytest.raises(TypeError, match="final"):
        type("Own", (Leaf,), {"why_not": lambda self: None})


def test_where_not_all_is_known_a_node_outside_of_the_scope_is_like_one_that_is_nowhere():
    class Held:
        def get(self, ids):
            return [Node(id=i, text="x", metadata={"team": "b"}) if i == "other" else None for i in ids]

    broken = Broken([], object_map={"x": Leaf([])})
    broken._searched_corpus = Held()
    told = {i: broken.why_not("q", i, scope={"team": "a"}) for i in ("other", "nowhere")}
    assert told["other"].code is told["nowhere"].code
    assert told["other"].text == told["nowhere"].text.replace("nowhere", "other")
