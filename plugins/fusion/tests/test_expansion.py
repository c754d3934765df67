"""Queries that a language model adds: cleaned, never in the way of the caller's, and seen when they fail."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import (
    LegState,
    MetadataFilters,
    Node,
    NodeWithScore,
    Outcome,
    QueryBundle,
    Reply,
    ScoreKind,
    ScoreSpec,
)
from retrieverkit_core.errors import MissingServiceError, OptionError
from retrieverkit_fusion import FusionRetriever
from retrieverkit_fusion.expansion import cleaned


class Answers:
    """A language model whose answer to every prompt is the function's."""

    name = "answers"

    def __init__(self, function):
        self.function = function
        self.prompts = []

    def ask(self, prompt):
        self.prompts.append(prompt)
        return Reply(self.function())

    async def aask(self, prompt):
        self.prompts.append(prompt)
        return Reply(self.function())


def ask(how, retriever, query):
    if how == "async":
        return asyncio.run(retriever.aretrieve(query))
    return retriever.retrieve(query) if how == "sync" else retriever.retrieve_many([query])[0]


ways = pytest.mark.parametrize("how", ["sync", "async", "batch"])


@pytest.fixture
def echo(calls, hits):
    """A leg that finds the query's own words, and a node that every query finds."""
    return calls("echo", lambda query: hits(query.query_str or "blank", "common"))


@ways
def test_each_query_is_asked_of_each_leg_with_filters_and_scope(how, calls, hits):
    asked = []

    def notes(query):
        asked.append(query)
        return hits(query.query_str, tenant="us")

    scope = MetadataFilters.parse("tenant == 'us'")
    model = Answers(lambda: "1. first\n- second\n\nthird")
    fused = FusionRetriever([calls("one", notes), calls("two", notes)], num_queries=3, llm=model)
    result = ask(how, fused, QueryBundle("mine", embedding=[1.0], custom_embedding_strs=["x"], scope=scope))
    assert sorted(query.query_str for query in asked) == ["first", "first", "mine", "mine", "second", "second"]
    assert {query.embedding for query in asked if query.query_str != "mine"} == {None}
    assert {query.custom_embedding_strs for query in asked if query.query_str == "mine"} == {("x",)}
    assert {hit.node_id for hit in result} == {"mine", "first", "second"}
    assert [leg.name for leg in result.legs] == ["query expansion", "one", "two", "one@2", "two@2", "one@3", "two@3"]
    assert result.legs[0].note == "first; second"
    assert len(model.prompts) == 1
    assert model.prompts[0].data == ("mine",)


@ways
@pytest.mark.parametrize("method", ["rrf", "relative_score", "dist_based_score", "simple"])
def test_the_callers_query_counts_as_much_as_all_others_together(how, method, echo):
    fused = FusionRetriever([echo], method=method, num_queries=4, llm=Answers(lambda: "x\ny\nz"))
    scores = {hit.node_id: hit.score for hit in ask(how, fused, "mine")}
    assert scores["mine"] == pytest.approx(3 * scores["x"])


@ways
def test_a_line_that_repeats_the_query_neither_replaces_nor_adds(how, echo):
    fused = FusionRetriever([echo], num_queries=4, llm=Answers(lambda: " Mine \n2) MINE\n`mine`\n"))
    result = ask(how, fused, "mine")
    assert result == FusionRetriever([echo]).retrieve("mine")
    assert (result.legs[0].name, result.legs[0].state) == ("query expansion", LegState.EMPTY)
    assert result.outcome is Outcome.OK


@ways
@pytest.mark.parametrize("broken", [lambda: 1 / 0, lambda: None], ids=["raises", "answers None"])
def test_a_model_that_fails_makes_the_result_partial(how, broken, echo):
    fused = FusionRetriever([echo], num_queries=2, llm=Answers(broken))
    result = ask(how, fused, "mine")
    assert result == FusionRetriever([echo]).retrieve("mine")
    assert result.outcome is Outcome.PARTIAL
    assert (result.legs[0].name, result.legs[0].state) == ("query expansion", LegState.FAILED)
    assert result.legs[0].error is not None


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_model_that_hangs_leaves_time_for_the_legs(how, echo, with_time):
    never = threading.Event()

    class Hangs(Answers):
        async def aask(self, prompt):
            await asyncio.Event().wait()

    fused = FusionRetriever([echo], num_queries=2, llm=Hangs(lambda: never.wait() and ""))

    def in_time(seconds):
        result = ask(how, fused, QueryBundle("mine", timeout=seconds))
        assert [hit.node_id for hit in result] == ["mine", "common"]
        assert result.legs[0].state is LegState.TIMEOUT
        assert "query expansion did not answer within" in str(result.legs[0].error)

    try:
        with_time(0.5, in_time)
    finally:
        never.set()


@pytest.mark.parametrize("method", ["relative_score", "dist_based_score", "rrf"])
def test_what_several_queries_agree_on_is_not_cut_off_at_one(method, calls):
    lists = {
        "mine": {"d1": 1.0, "d2": 0.95, "d3": 0.9, "z": 0.0},
        "alpha": {"d3": 1.0, "d2": 0.99, "d1": 0.2, "z": 0.0},
        "beta": {"d2": 1.0, "d3": 0.9, "d1": 0.2, "z": 0.0},
    }

    def found(query):
        return [NodeWithScore(Node(id=name), score) for name, score in lists[query.query_str].items()]

    leg = calls("leg", found)
    leg.scores = ScoreSpec(ScoreKind.SIMILARITY)
    model = Answers(lambda: "alpha\nbeta")
    result = FusionRetriever([leg], method=method, num_queries=3, llm=model).retrieve("mine")
    if method == "relative_score":
        mine, alpha, beta = lists.values()
        worths = {name: mine[name] / 2 + (alpha[name] + beta[name]) / 4 for name in mine}
        assert [(hit.node_id, round(hit.score, 9)) for hit in result] == [
            (name, round(worth, 9)) for name, worth in sorted(worths.items(), key=lambda one: -one[1])
        ]
    assert [hit.node_id for hit in result][-1] == "z"
    if method != "rrf":
        assert [hit.node_id for hit in result] == ["d2", "d3", "d1", "z"]
        assert len({hit.score for hit in result}) == 4


def test_the_prompt_is_an_option_and_the_queries_are_said_aloud(echo, capsys):
    model = Answers(lambda: "other")
    fused = FusionRetriever([echo], num_queries=2, llm=model, query_gen_prompt="{count} more!", verbose=True)
    assert fused.get_prompts() == {"query_gen_prompt": "{count} more!"}
    fused.retrieve("mine")
    assert model.prompts[0].system == "1 more!"
    assert "query 2: other" in capsys.readouterr().out
    fused.update_prompts(query_gen_prompt="Write {count}.")
    fused.retrieve("mine")
    assert model.prompts[1].system == "Write 1."
    with pytest.raises(OptionError, match="query_gen_prompt"):
        FusionRetriever([echo], num_queries=2, llm=model, query_gen_prompt="no number")


@ways
def test_a_query_without_words_is_not_expanded(how, echo):
    model = Answers(lambda: "x")
    result = ask(how, FusionRetriever([echo], num_queries=2, llm=model), QueryBundle("", embedding=[1.0]))
    assert model.prompts == []
    assert result.legs[0].state is LegState.SKIPPED
    assert result.outcome is Outcome.OK


def test_nothing_is_asked_of_a_model_unless_it_is_wanted(echo):
    model = Answers(lambda: "x")
    FusionRetriever([echo], llm=model).retrieve("mine")
    assert model.prompts == []
    with pytest.raises(MissingServiceError):
        FusionRetriever([echo], num_queries=2)


def test_numbers_and_bullets_and_talk_are_taken_off():
    answer = (
        'Here are some queries:\n```\n1. one two\n 2) three\n(3) four\n* five\n• "six"\n- 3.5 mm plug\n'
        "2024 election\nONE  two\n" + "x" * 2000
    )
    assert cleaned(answer, "Four", 10) == ("one two", "three", "five", "six", "3.5 mm plug", "2024 election")
    assert cleaned(answer, "four", 2) == ("one two", "three")


@given(answer=st.text(max_size=200), original=st.text(max_size=10), count=st.integers(0, 5))
def test_whatever_a_model_says_gives_distinct_queries(answer, original, count):
    queries = cleaned(answer, original, count)
    folded = [" ".join(query.split()).casefold() for query in (original, *queries)]
    assert len(queries) <= count
    assert all(query.strip() for query in queries)
    assert len(set(folded)) == len(folded)
    assert set("".join(queries)) <= set(answer)
