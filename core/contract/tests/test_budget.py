"""Budgets and prompts: what a retrieval may spend, and what models are told."""

import asyncio
import pickle
import threading

import pytest

from retrieverkit_core import (
    BaseRetriever,
    Budget,
    Node,
    NodeWithScore,
    Observers,
    QueryBundle,
    budget,
    hookimpl,
    new_plugin_manager,
    trace,
)
from retrieverkit_core.budget import Spent
from retrieverkit_core.errors import BatchError, BudgetExceededError, OptionError, QueryError, UnknownOptionError


class Spends(BaseRetriever):
    def __init__(self, calls):
        super().__init__()
        self.calls = calls
        self.made = 0

    def _retrieve(self, query_bundle):
        for _ in range(self.calls):
            budget.spend(llm_calls=1, tokens=10)
            self.made += 1
        return [NodeWithScore(Node(id="a"), 1.0)]


class SpendsInBatches(Spends):
    def _retrieve_many(self, query_bundles):
        return [self._retrieve(query) for query in query_bundles]


@pytest.mark.parametrize("how", ["sync", "async", "batch", "deadline"])
@pytest.mark.parametrize("kind", [Spends, SpendsInBatches])
def test_a_budget_stops_the_call_before_it_is_made(how, kind):
    for given, made in ((Budget(llm_calls=3), 3), (Budget(tokens=25), 2), (Budget(llm_calls=9), 5), (None, 5)):
        spends = kind(5)
        query = QueryBundle("q", budget=given, timeout=60 if how == "deadline" else None)
        asks = {
            "sync": lambda: spends.retrieve(query),
            "async": lambda: asyncio.run(spends.aretrieve(query)),
            "batch": lambda: spends.retrieve_many([query])[0],
            "deadline": lambda: spends.retrieve(query),
        }
        if made == 5:
            result = asks[how]()
            assert len(result) == 1
            assert result.query == query
        else:
            with pytest.raises(Exception) as caught:
                asks[how]()
            error = getattr(caught.value, "errors", {0: caught.value})[0]
            assert isinstance(error, BudgetExceededError)
            assert error.limit in str(error)
        assert spends.made == made
        assert budget.account() is None


def test_an_inner_budget_counts_in_the_outer_one():
    spends = Spends(2)

    class Outer(BaseRetriever):
        def _retrieve(self, query_bundle):
            for _ in range(3):
                spends.retrieve(query_bundle.replace(budget=Budget(llm_calls=2)))
            return []

    with pytest.raises(BudgetExceededError):
        Outer().retrieve(QueryBundle("q", budget=Budget(llm_calls=5)))
    assert spends.made == 5


def test_what_an_outer_budget_refuses_is_not_noted_in_the_inner_one():
    with budget.limited(Budget(llm_calls=1)), budget.limited(Budget(llm_calls=5)) as inner:
        inner.spend(llm_calls=1)
        with pytest.raises(BudgetExceededError):
            inner.spend(llm_calls=1)
        assert inner.spent.llm_calls == 1


def test_threads_share_one_account():
    refused = []

    def spend():
        for _ in range(50):
            try:
                running.spend(llm_calls=1)
            except BudgetExceededError:
                refused.append(1)

    with budget.limited(Budget(llm_calls=100)) as running:
        threads = [threading.Thread(target=spend) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (running.spent.llm_calls, len(refused)) == (100, 100)


@pytest.mark.parametrize("limits", [{"llm_calls": -1}, {"tokens": 1.5}, {"embedding_calls": True}])
def test_what_cannot_be_a_limit_is_refused(limits):
    with pytest.raises(QueryError):
        Budget(**limits)
    with pytest.raises(QueryError, match="Budget"):
        QueryBundle("q", budget=limits)


def test_prompts_are_listed_and_changed_with_their_fields():
    class Asks(Spends):
        name = "asks"
        prompts = {"choose": "Choose {count} of these."}

    asks = Asks(0)
    assert asks.get_prompts() == {"choose": "Choose {count} of these."}
    asks.update_prompts(choose="Pick {count}, as {{json}}.")
    assert asks.get_prompts()["choose"].format(count=2) == "Pick 2, as {json}."
    assert Asks(0).get_prompts() == {"choose": "Choose {count} of these."}
    with pytest.raises(UnknownOptionError, match="did you mean 'choose'"):
        asks.update_prompts(chose="Pick {count}.")
    for wrong in ("Pick {count:d}.", "Pick {count!x}.", "Pick some.", "Pick {count} of {all}.", "Pick {count", 3):
        with pytest.raises(OptionError):
            asks.update_prompts(choose=wrong)
    assert Spends(0).get_prompts() == {}


def test_a_trace_hears_what_stages_say_and_costs_nothing_else():
    heard = []

    class Hears:
        def reported(self, retriever, stage, facts):
            heard.append((retriever, stage, facts))

        def lost(self, retriever, stage, key, why):
            heard.append((retriever, stage, key, why))

    class Says(BaseRetriever):
        def _retrieve(self, query_bundle):
            trace.reported("says", "searched", found=2)
            trace.lost("says", "cut", 7, "below the cut")
            return []

    Says().retrieve("q")
    assert trace.listener() is None
    with trace.told_to(Hears()):
        asyncio.run(Says().aretrieve("q"))
    assert heard == [("says", "searched", {"found": 2}), ("says", "cut", 7, "below the cut")]


def test_what_was_made_already_is_noted_whatever_the_limits_say():
    with budget.limited(Budget(tokens=10)) as outer, budget.limited(Budget(tokens=100)):
        assert budget.left("tokens") == 10
        budget.note(tokens=25)
        assert budget.left("tokens") == 0
        with pytest.raises(BudgetExceededError):
            budget.spend(tokens=1)
    assert outer.spent.tokens == 25


def test_nothing_limits_what_has_no_budget():
    assert budget.left("tokens") is None
    assert not budget.settles_for_part()
    with budget.limited(Budget(partial=True)):
        assert budget.left("tokens") is None
        assert budget.settles_for_part()


@pytest.mark.parametrize("partial", [1, "yes", None])
def test_partial_is_yes_or_no(partial):
    with pytest.raises(QueryError, match="partial"):
        Budget(partial=partial)


def test_tokens_that_are_used_up_stop_the_next_model_call_and_nothing_else():
    with budget.limited(Budget(tokens=10)):
        budget.spend(llm_calls=1)
        budget.note(tokens=10)
        budget.spend(embedding_calls=1)
        with pytest.raises(BudgetExceededError) as caught:
            budget.spend(llm_calls=1)
    assert (caught.value.limit, caught.value.allowed, caught.value.spent) == ("tokens", 10, 10)


@pytest.mark.parametrize("how", ["sync", "async", "late", "deadline"])
@pytest.mark.parametrize("given", [None, Budget(llm_calls=50)])
def test_the_result_says_what_was_spent_below_it(how, given):
    class Composite(BaseRetriever):
        legs = Spends(2), Spends(3)

        def _retrieve(self, query_bundle):
            budget.note(embedding_calls=1)
            spent.extend(leg.retrieve(query_bundle).spent for leg in self.legs)
            return self.legs[0].retrieve(query_bundle)

    spent = []
    query = QueryBundle("q", timeout=60 if how == "deadline" else None)
    if how == "async":
        result = asyncio.run(Composite().aretrieve(query, budget=given))
    elif how == "late":
        result = pickle.loads(pickle.dumps(Composite().candidates(query.replace(budget=given)).copied()))
    else:
        result = Composite().retrieve(query, budget=given)
    assert spent == [Spent(2, 0, 20), Spent(3, 0, 30)]
    assert result.spent == Spent(llm_calls=7, embedding_calls=1, tokens=70)
    assert result.as_dict()["spent"] == {"llm_calls": 7, "embedding_calls": 1, "tokens": 70}
    assert "7 model calls, 1 embedding call, 70 tokens" in str(result)
    assert not Spends(0).retrieve("q").spent
    assert "model call" not in str(Spends(0).retrieve("q"))


def test_each_query_of_a_batch_has_its_own_budget_and_says_its_own_spending():
    queries = [QueryBundle("q", budget=Budget(llm_calls=n)) if n else QueryBundle("q") for n in (3, 0, 2, 0)]
    with pytest.raises(BatchError) as caught:
        SpendsInBatches(3).retrieve_many(queries)
    assert list(caught.value.errors) == [2]
    assert caught.value.results[0].spent == Spent(3, 0, 30)
    # These two were asked together: what each of them cost is not known.
    assert [caught.value.results[at].spent for at in (1, 3)] == [None, None]
    heard = []

    class Hears:
        @hookimpl
        def on_retrieve_end(self, result, error):
            heard.append(result.spent if error is None else None)

    manager = new_plugin_manager()
    manager.register(Hears())
    watched = SpendsInBatches(3)
    watched._observers = Observers(manager)
    watched.retrieve_many([QueryBundle("q", budget=Budget(llm_calls=3)), "r", "s"])
    assert heard == [Spent(3, 0, 30), None, None]
    assert [result.spent for result in SpendsInBatches(0).retrieve_many(["q", "r"])] == [Spent(), Spent()]
    assert [result.spent for result in SpendsInBatches(1).retrieve_many(["q"])] == [Spent(1, 0, 10)]


def test_a_call_that_is_only_counted_keeps_to_the_budget_around_it():
    class Settles(BaseRetriever):
        def _retrieve(self, query_bundle):
            said.append((budget.left("llm_calls"), budget.settles_for_part()))
            return []

    said = []
    with budget.limited(Budget(llm_calls=2, partial=True)):
        budget.spend(llm_calls=1)
        Settles().retrieve("q")
        Settles().retrieve("q", budget=Budget(llm_calls=9))
    assert said == [(1, True), (1, False)]
