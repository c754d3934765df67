import asyncio
from itertools import zip_longest
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core.errors import AllLegsFailedError, BudgetExceededError, OptionError, UnknownModeError
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.result import LegState, Outcome
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_property_graph import PropertyGraphRetriever
from retrieverkit_property_graph.plain import plain_retriever
from retrieverkit_property_graph.together.merging import RRF_K, Listing, order_of
from retrieverkit_testkit.memory_corpus import MemoryCorpus

CORPUS = MemoryCorpus("c")
CORPUS.add(*(Node(text=letter, id=letter) for letter in "abcdefghij"))
ORDINALS = {stored.node.id: stored.ordinal for stored in CORPUS.snapshot().__enter__().nodes()}


class Finds(BaseRetriever):
    """Finds nodes in the order of their letters, by ordinal or, ``by_id``, as nodes."""

    scores = ScoreSpec(ScoreKind.BM25)

    def __init__(self, name, letters, by_id=False, error=None, cursors=()):
        super().__init__()
        self.name, self._letters, self._by_id, self._error = name, letters, by_id, error
        self._cursors = list(cursors)
        self.asked = 0

    def _retrieve(self, query_bundle):
        self.asked += 1
        if self._error is not None:
            raise self._error
        letters = self._letters[: query_bundle.top_k]
        if self._by_id:
            return [NodeWithScore(CORPUS.get([letter])[0], 9.0 - at) for at, letter in enumerate(letters)]
        cursor = self._cursors.pop(0) if self._cursors else CORPUS.head()
        pairs = [(ORDINALS[letter], 9.0 - at) for at, letter in enumerate(letters)]
        evidence = [(Evidence(self.name, at + 1, 9.0 - at, {"of": letter}),) for at, letter in enumerate(letters)]
        return Found(pairs, CORPUS, cursor, evidence=evidence)


def ids(result):
    return "".join(hit.node_id for hit in result)


def both(retriever, **limits):
    result = retriever.retrieve("?", **limits)
    again = asyncio.run(retriever.aretrieve("?", **limits))
    assert ids(result) == ids(again)
    assert [hit.evidence for hit in result] == [hit.evidence for hit in again]
    return result


def test_the_first_plain_hits_stay_first_and_both_take_turns_behind():
    result = both(PropertyGraphRetriever(Finds("plain", "abcdef"), [Finds("walk", "bghcij")], keep=2, top_k=8))
    assert ids(result) == "abgchdei"
    assert [hit.score for hit in result] == pytest.approx([1 / rank for rank in range(1, 9)])
    assert [leg.name for leg in result.legs] == ["plain", "walk"]
    assert result.outcome is Outcome.OK


def test_the_evidence_names_every_leg_with_what_it_says():
    result = both(PropertyGraphRetriever(Finds("plain", "ab"), [Finds("walk", "ba")]))
    first = result[0].evidence
    assert [tuple(each) for each in first] == [("plain", 1, 9.0), ("walk", 2, 8.0)]
    assert first[1].details == {"of": "a"}


@pytest.mark.parametrize("by_id", [False, True])
def test_where_a_leg_fails_the_others_answer_and_the_result_is_partial(by_id):
    broken = Finds("walk", "", error=ZeroDivisionError("broken"))
    result = both(PropertyGraphRetriever(Finds("plain", "abc", by_id), [broken, Finds("other", "dcb", by_id)], keep=1))
    assert ids(result) == "adbc"
    assert result.outcome is Outcome.PARTIAL
    assert [leg.state for leg in result.legs] == [LegState.OK, LegState.FAILED, LegState.OK]
    without = both(PropertyGraphRetriever(broken, [Finds("other", "dcb", by_id)]))
    assert ids(without) == "dcb"
    assert without.outcome is Outcome.PARTIAL


def test_a_leg_that_is_too_late_is_given_up_before_the_time_is_over(with_time):
    released = Event()
    stuck = Finds("walk", "dcb")
    stuck._retrieve = lambda query_bundle: [] if released.wait() else None

    def in_time(seconds):
        result = both(PropertyGraphRetriever(Finds("plain", "abc"), [stuck]), timeout=seconds)
        assert ids(result) == "abc"
        assert [leg.state for leg in result.legs] == [LegState.OK, LegState.TIMEOUT]
        assert result.outcome is Outcome.PARTIAL

    try:
        with_time(0.3, in_time)
    finally:
        released.set()


def test_where_all_legs_fail_there_is_no_answer():
    legs = [Finds(name, "", error=ZeroDivisionError(name)) for name in ("one", "two")]
    with pytest.raises(AllLegsFailedError) as raised:
        PropertyGraphRetriever(legs[0], legs[1:]).retrieve("?")
    assert set(raised.value.errors) == {"one", "two"}


def test_a_budget_that_ran_out_in_a_leg_is_an_error():
    spent = Finds("walk", "", error=BudgetExceededError("llm_calls", 1, 1))
    with pytest.raises(BudgetExceededError):
        PropertyGraphRetriever(Finds("plain", "ab"), [spent]).retrieve("?")


def test_legs_that_saw_two_states_of_the_corpus_are_asked_again():
    before = CORPUS.head()._replace(seq=0, chain="")
    late = Finds("walk", "dcb", cursors=[before])
    assert ids(PropertyGraphRetriever(Finds("plain", "abc"), [late], keep=1).retrieve("?")) == "adbc"
    assert late.asked == 2


def test_hits_by_id_and_by_ordinal_are_put_together():
    mixed = PropertyGraphRetriever(Finds("plain", "abc", by_id=True), [Finds("walk", "dcb")], keep=1)
    assert ids(both(mixed)) == "adbc"


def test_names_of_legs_differ():
    result = PropertyGraphRetriever(None, [Finds("walk", "ab"), Finds("walk", "ba")]).retrieve("?")
    assert [leg.name for leg in result.legs] == ["walk", "walk#2"]


lists = st.lists(st.sampled_from(range(8)), unique=True, max_size=8)


def listing(name, keys):
    return Listing(name, name, {key: row for row, key in enumerate(keys)}, [1.0] * len(keys), None)


@given(lists, st.lists(lists, min_size=1, max_size=3), st.integers(0, 4))
def test_the_order_is_the_one_that_is_described(plain, parts, keep):
    worth = {}
    for part in parts:
        for row, key in enumerate(part):
            worth[key] = worth.get(key, 0) + 1 / (RRF_K + row + 1)
    ranked = sorted(worth, key=lambda key: (-worth[key], min(part.index(key) for part in parts if key in part)))
    expected = plain[:keep]
    for walked, other in zip_longest([key for key in ranked if key not in plain[:keep]], plain[keep:]):
        expected += [key for key in dict.fromkeys((walked, other)) if key is not None and key not in expected]
    order = order_of(listing("p", plain), [listing(str(at), part) for at, part in enumerate(parts)], keep)
    if len(parts) == 1:
        assert order == expected
    assert sorted(order) == sorted(expected)
    assert order[: len(plain[:keep])] == plain[:keep]


def test_there_is_something_to_ask():
    with pytest.raises(OptionError, match="parts"):
        PropertyGraphRetriever(Finds("plain", "a"), [])
    with pytest.raises(OptionError, match="keep"):
        PropertyGraphRetriever(Finds("plain", "a"), [Finds("walk", "b")], keep=-1)


def test_without_bm25_the_graph_answers_alone_and_says_so():
    def resolve(spec):
        raise UnknownModeError(str(spec), distribution="retrieverkit-bm25")

    context = BuildContext(mode="graph_ppr", resolve=resolve)
    retriever, note = plain_retriever(None, context)
    assert retriever is None
    assert note == "graph_ppr: bm25 is not installed, so the graph answers alone; pip install retrieverkit-bm25"
    with pytest.raises(UnknownModeError, match="pip install retrieverkit-bm25"):
        plain_retriever(RetrieverSpec(mode="bm25"), context)


FILMS = [
    Document("Solaris was directed by Andrei Tarkovsky.", id="film"),
    Document("Andrei Tarkovsky was born in Zavrazhye.", id="director"),
    Document("Stones are grey.", id="stone"),
]


def test_the_mode_needs_no_model_and_says_which_leg_found_what(tmp_path):
    with Index.create(tmp_path / "films.rk") as index:
        index.add(FILMS)
        retriever = index.as_retriever("property_graph", top_k=2)
        result = retriever.retrieve("Who made Solaris?")
        assert [hit.ref_doc_id for hit in result] == ["film", "director"]
        assert result.legs[-1].name == "graph_ppr"
        assert result[1].evidence[0].details["paths"][0][0]["nodes"] == ["film"]
        plan = retriever.plan("Who made Solaris?")
        assert plan.complete
        assert plan.total("llm_calls") == plan.total("embedding_calls") == 0


@pytest.mark.parametrize("mode", ["graph_ppr(passages=nothing)", "property_graph(plain=nothing)"])
def test_a_retriever_that_is_asked_for_and_not_there_is_an_error(tmp_path, mode):
    with Index.create(tmp_path / "films.rk") as index, pytest.raises(UnknownModeError, match="nothing"):
        index.as_retriever(mode)
