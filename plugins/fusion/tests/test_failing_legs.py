"""A leg that fails, hangs or lies is told on the result and never breaks the answer."""

import asyncio
import math
import threading

import pytest

from retrieverkit_core import (
    Budget,
    LegState,
    MetadataFilters,
    Node,
    NodeWithScore,
    Outcome,
    QueryBundle,
    RetrievalResult,
    budget,
    hookimpl,
)
from retrieverkit_core.errors import (
    AllLegsFailedError,
    BatchError,
    BudgetExceededError,
    DeadlineExceededError,
    FilterTypeError,
    OptionError,
    PluginContractError,
    RetrievalError,
)
from retrieverkit_core.observers import Observers
from retrieverkit_core.threads import WORKERS
from retrieverkit_fusion import FusionRetriever

SCOPE = MetadataFilters.parse("tenant == 'us'")


def answer(how, retriever, query):
    """Ask one retriever in one of the three ways."""
    if how == "async":
        return asyncio.run(retriever.aretrieve(query))
    return retriever.retrieve(query) if how == "sync" else retriever.retrieve_many([query])[0]


async def idle():
    """Wait until no call runs that was given up."""
    while WORKERS.busy:
        await asyncio.sleep(0)


def raises(error):
    def function(query):
        raise error

    return function


ways = pytest.mark.parametrize("how", ["sync", "async", "batch"])


@pytest.fixture
def hangs(calls):
    """Make legs that never answer; they are let go when the test ends."""
    never = threading.Event()
    yield lambda name="hangs": calls(name, lambda query: never.wait() and [])
    never.set()


@ways
def test_a_leg_that_raises_makes_the_result_partial(how, calls, hits):
    fused = FusionRetriever([calls("good", lambda q: hits("a", "b")), calls("bad", raises(KeyError("lost")))])
    result = answer(how, fused, "q")
    good, bad = result.legs
    assert [hit.node_id for hit in result] == ["a", "b"]
    assert result.outcome is Outcome.PARTIAL
    assert (good.name, good.state, good.n, good.error) == ("good", LegState.OK, 2, None)
    assert (bad.name, bad.state, bad.n) == ("bad", LegState.FAILED, 0)
    assert isinstance(bad.error, RetrievalError)
    assert "KeyError: 'lost'" in str(bad.error)


@ways
def test_a_leg_that_returns_nan_has_failed(how, calls, hits):
    fused = FusionRetriever(
        [calls("nan", lambda q: [NodeWithScore(Node(id="x"), math.nan)]), calls("good", lambda q: hits("a"))]
    )
    result = answer(how, fused, "q")
    assert [hit.node_id for hit in result] == ["a"]
    assert isinstance(result.legs[0].error, PluginContractError)
    assert result.outcome is Outcome.PARTIAL


@ways
def test_another_tenants_node_is_taken_out_and_told(how, calls, hits):
    def leaks(query):
        return hits("secret", tenant="them") + hits("b", tenant="us")

    leaky = calls("leaky", leaks)
    leaky.can_push = lambda condition: True  # it says that it filters, and does not
    fused = FusionRetriever([calls("good", lambda q: hits("a", tenant="us")), leaky])
    result = answer(how, fused, QueryBundle("q", scope=SCOPE))
    assert [hit.node_id for hit in result] == ["a", "b"]
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith("leaky: leaky returned 1 hits that its filters exclude")


def flood(count):
    shared = {}
    return [NodeWithScore(Node("", f"n{n}", shared, shared, [], []), -float(n)) for n in range(count)]


@ways
def test_a_flood_of_hits_is_cut_to_what_was_asked(how, calls, hits):
    def floods(query):
        return flood(10**5)

    fused = FusionRetriever([calls("flood", floods), calls("good", lambda q: hits("a"))], candidates=50)
    result = answer(how, fused, "q")
    assert {hit.node_id for hit in result[:2]} == {"n0", "a"}
    assert [leg.n for leg in result.legs] == [50, 1]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_flood_of_hits_within_a_deadline_does_not_cost_the_other_legs(how, calls, hits, with_time):
    """Making and checking so many hits takes longer than the deadline."""

    def in_time(seconds):
        ended = threading.Event()

        def floods(query):
            try:
                return flood(2 * 10**5)
            finally:
                ended.set()

        fused = FusionRetriever([calls("good", lambda q: hits("a")), calls("flood", floods)])
        try:
            result = answer(how, fused, QueryBundle("q", timeout=seconds))
        finally:  # the flood goes on in its thread and would slow the next test
            ended.wait(60)
            asyncio.run(idle())
        assert "a" in {hit.node_id for hit in result}
        assert result.legs[0].state is LegState.OK
        assert result.legs[1].state in (LegState.TIMEOUT, LegState.OK)

    with_time(0.4, in_time)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_was_in_time_is_kept_when_a_leg_holds_the_whole_process_up_past_the_deadline(how, calls, hits, with_time):
    def in_time(seconds):
        answered, never = threading.Event(), threading.Event()

        class Watch:
            @hookimpl
            def on_retrieve_end(self):
                answered.set()

        def stalls(query):
            answered.wait(60)
            sum(range(4 * 10**7))  # one call in C, that lets no other thread run for longer than the deadline
            return never.wait() and []

        good = calls("good", lambda q: hits("a"), hooks=Observers.of(Watch()))
        fused = FusionRetriever([good, calls("stalls", stalls)])
        try:
            result = answer(how, fused, QueryBundle("q", timeout=seconds))
        finally:
            answered.set()
            never.set()
        assert [hit.node_id for hit in result] == ["a"]
        assert [leg.state for leg in result.legs] == [LegState.OK, LegState.TIMEOUT]
        assert result.outcome is Outcome.PARTIAL

    with_time(0.25, in_time)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_leg_that_never_answers_is_given_up_within_the_querys_deadline(how, hangs, calls, hits, with_time):
    fused = FusionRetriever([hangs(), calls("good", lambda q: hits("a")), hangs()])

    def in_time(seconds):
        result = answer(how, fused, QueryBundle("q", timeout=seconds))
        assert [hit.node_id for hit in result] == ["a"]
        assert [(leg.name, leg.state) for leg in result.legs] == [
            ("hangs", LegState.TIMEOUT),
            ("good", LegState.OK),
            ("hangs#2", LegState.TIMEOUT),
        ]
        assert result.outcome is Outcome.PARTIAL

    with_time(0.5, in_time)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_legs_own_timeout_does_not_outlast_the_querys(how, hangs, calls, hits, with_time):
    fused = FusionRetriever([hangs(), calls("good", lambda q: hits("a"))], timeouts=600)

    def in_time(seconds):
        result = answer(how, fused, QueryBundle("q", timeout=seconds))
        assert [leg.state for leg in result.legs] == [LegState.TIMEOUT, LegState.OK]

    with_time(0.5, in_time)


@ways
def test_a_leg_has_a_timeout_of_its_own(how, hangs, calls, hits):
    fused = FusionRetriever([hangs(), calls("good", lambda q: hits("a"))], timeouts=[0.05, None])
    result = answer(how, fused, "q")
    assert [hit.node_id for hit in result] == ["a"]
    assert result.legs[0].state is LegState.TIMEOUT
    assert isinstance(result.legs[0].error, DeadlineExceededError)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_fusion_within_a_fusion_answers_in_time_too(how, hangs, calls, hits, with_time):
    inner = FusionRetriever([hangs(), calls("inner", lambda q: hits("a"))])
    outer = FusionRetriever([inner, calls("outer", lambda q: hits("b"))])

    def in_time(seconds):
        result = answer(how, outer, QueryBundle("q", timeout=seconds))
        assert {hit.node_id for hit in result} == {"a", "b"}
        assert result.outcome is Outcome.PARTIAL
        assert [leg.state for leg in result.legs[0].legs] == [LegState.TIMEOUT, LegState.OK]

    with_time(0.4, in_time)


@pytest.mark.parametrize("how", ["sync", "async"])
def test_legs_that_wait_for_their_turn_are_late_not_lost(how, hangs, calls, hits, with_time):
    fused = FusionRetriever([hangs(), calls("good", lambda q: hits("a"))], concurrency=1)
    with pytest.raises(AllLegsFailedError) as caught:
        answer(how, fused, QueryBundle("q", timeout=0.2))
    assert {type(error) for error in caught.value.errors.values()} == {DeadlineExceededError}
    good_first = FusionRetriever(list(reversed([leg.retriever for leg in fused.legs])), concurrency=1)

    def in_time(seconds):
        result = answer(how, good_first, QueryBundle("q", timeout=seconds))
        assert [leg.state for leg in result.legs] == [LegState.OK, LegState.TIMEOUT]

    with_time(0.2, in_time)


@ways
def test_a_required_legs_error_is_the_fusions(how, calls, hits):
    wrong = PluginContractError("broken", mode="m", distribution="d")
    legs = [calls("good", lambda q: hits("a")), calls("bad", raises(wrong))]
    with pytest.raises(Exception) as caught:
        answer(how, FusionRetriever(legs, required=[False, True]), "q")
    error = caught.value.errors[0] if how == "batch" else caught.value
    assert error is wrong
    assert answer(how, FusionRetriever(legs, required=[True, False]), "q").outcome is Outcome.PARTIAL


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_required_leg_that_fails_is_told_while_others_hang(how, calls):
    entered, never = threading.Event(), threading.Event()

    def fails(query):
        assert entered.wait(30)
        raise RetrievalError("broken")

    hanging = calls("hangs", lambda query: entered.set() or never.wait() and [])
    legs = [calls("fails", fails), hanging]
    try:
        with pytest.raises(RetrievalError, match="broken"):
            answer(how, FusionRetriever(legs, required=[True, False]), "q")
    finally:
        never.set()


@ways
def test_all_legs_failed_raises_with_each_error(how, calls):
    fused = FusionRetriever([calls("one", raises(ValueError("first"))), calls("two", raises(KeyError("second")))])
    with pytest.raises(Exception) as caught:
        answer(how, fused, "q")
    error = caught.value.errors[0] if how == "batch" else caught.value
    assert isinstance(error, AllLegsFailedError)
    assert set(error.errors) == {"one", "two"}
    assert "first" in str(error)
    assert "second" in str(error)


@ways
def test_what_is_wrong_with_the_query_is_no_failure_of_the_legs(how, calls):
    wrong = FilterTypeError("year holds numbers")
    fused = FusionRetriever([calls("one", raises(wrong)), calls("two", raises(wrong))])
    with pytest.raises(Exception) as caught:
        answer(how, fused, "q")
    assert (caught.value.errors[0] if how == "batch" else caught.value) is wrong


def test_one_query_of_a_batch_may_fail_in_one_leg(calls, hits):
    def sometimes(query):
        if query.query_str == "bad":
            raise ValueError("no")
        return hits("b")

    fused = FusionRetriever([calls("good", lambda q: hits("a")), calls("sometimes", sometimes)])
    results = fused.retrieve_many(["fine", "bad", "fine"])
    assert [result.outcome for result in results] == [Outcome.OK, Outcome.PARTIAL, Outcome.OK]
    assert [[hit.node_id for hit in result] for result in results] == [["a", "b"], ["a"], ["a", "b"]]


@ways
def test_empty_and_abstained_are_not_failed(how, calls, hits):
    empty = calls("empty", lambda q: [])
    declines = calls("declines", lambda q: RetrievalResult(abstained=True))
    assert answer(how, FusionRetriever([empty, empty]), "q").outcome is Outcome.EMPTY
    assert answer(how, FusionRetriever([declines, empty]), "q").outcome is Outcome.EMPTY
    assert answer(how, FusionRetriever([declines, declines]), "q").outcome is Outcome.ABSTAINED
    result = answer(how, FusionRetriever([declines, calls("good", lambda q: hits("a"))]), "q")
    assert result.outcome is Outcome.OK
    assert (result.legs[0].state, result.legs[0].note) == (LegState.EMPTY, "abstained")


@ways
def test_a_leg_of_weight_0_is_not_asked_and_told(how, calls, hits):
    fused = FusionRetriever(
        [calls("good", lambda q: hits("a")), calls("unused", raises(AssertionError("asked")))], weights=[1, 0]
    )
    result = answer(how, fused, "q")
    assert result.outcome is Outcome.OK
    assert (result.legs[1].name, result.legs[1].state) == ("unused", LegState.SKIPPED)


def test_notes_and_warnings_of_legs_are_told(calls, hits):
    told = calls("told", lambda q: RetrievalResult(hits("a"), warnings=("beware",), notes=("model: m",)))
    result = FusionRetriever([told]).retrieve("q")
    assert result.warnings == ("told: beware",)
    assert result.legs[0].note == "model: m"


def test_an_interrupt_in_a_leg_passes_through(calls, hits):
    fused = FusionRetriever([calls("stop", raises(KeyboardInterrupt())), calls("good", lambda q: hits("a"))])
    with pytest.raises(KeyboardInterrupt):
        fused.retrieve("q")


def test_a_leg_that_would_end_the_program_has_failed(calls, hits):
    fused = FusionRetriever([calls("stop", raises(SystemExit(3))), calls("good", lambda q: hits("a"))])
    result = fused.retrieve("q")
    assert [hit.node_id for hit in result] == ["a"]
    assert result.outcome is Outcome.PARTIAL
    assert "SystemExit" in str(result.legs[0].error)


@pytest.mark.parametrize("batching", [False, True])
def test_a_batch_keeps_what_the_other_legs_found_in_time(calls, hits, with_time, batching):
    gate, begun, sizes = threading.Event(), [], []

    def hang(query):
        begun.append(query)
        gate.wait(60)
        return []

    slow = calls("slow", hang)
    if batching:

        class Batches(calls):
            def _retrieve_many(self, query_bundles):
                sizes.append(len(query_bundles))
                return [hang(query) for query in query_bundles]

        slow = Batches("slow", hang)
    fused = FusionRetriever([calls("quick", lambda query: hits("a", "b")), slow])

    def in_time(seconds):
        begun.clear()
        sizes.clear()
        results = fused.retrieve_many([QueryBundle(f"query {n}", timeout=seconds) for n in range(4)])
        assert [[hit.node_id for hit in result] for result in results] == [["a", "b"]] * 4
        assert [[leg.state for leg in result.legs] for result in results] == [[LegState.OK, LegState.TIMEOUT]] * 4
        assert len(begun) == 1  # no query is begun once the time is up
        assert sizes == ([4] if batching else [])

    try:
        with_time(0.5, in_time)
    finally:
        gate.set()


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_a_leg_that_runs_out_of_the_budget_is_an_error_unless_part_is_enough(how, calls, hits):
    def spend(query):
        budget.spend(llm_calls=1)
        return hits("a")

    fused = FusionRetriever([calls("first", spend), calls("second", spend)], concurrency=1)
    part = answer(how, fused, QueryBundle("q", budget=Budget(llm_calls=1, partial=True)))
    assert sorted(leg.state for leg in part.legs) == [LegState.FAILED, LegState.OK]
    assert part.outcome is Outcome.PARTIAL
    for limits in (Budget(llm_calls=1), Budget(llm_calls=0), Budget(llm_calls=0, partial=True)):
        with pytest.raises((BudgetExceededError, BatchError)) as caught:
            answer(how, fused, QueryBundle("q", budget=limits))
        error = caught.value.errors[0] if how == "batch" else caught.value
        assert isinstance(error, BudgetExceededError)


def test_a_timeout_that_no_query_can_have_is_refused_when_it_is_set(calls, hits):
    with pytest.raises(OptionError, match="timeouts"):
        FusionRetriever([calls("leg", lambda query: hits("a"))], timeouts=1e12)
