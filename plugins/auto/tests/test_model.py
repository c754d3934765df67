"""Reading questions by a language model: its answer narrows what the caller allows, or is an error."""

import asyncio
import json
import threading

import pytest
from everything import Everything
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_auto import AutoRetriever, MetadataInfo
from retrieverkit_core import Budget, Node, QueryBundle
from retrieverkit_core.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    FilterGenerationError,
    MissingServiceError,
    ModelAnswerError,
    OptionError,
    ServiceError,
)
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_testkit.filters_oracle import unhurried
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_testkit.models import ScriptedModel

NODES = (
    {
        "country": "Peru",
        "year": 1961,
        "rating": 4.5,
        "sent": "2021-03-15",
        "tags": ["a", "b"],
        "open": True,
        "team": "x",
    },
    {"country": "Chile", "year": 1990, "rating": 3.0, "sent": "2021-05-01", "tags": ["b"], "open": False, "team": "x"},
    {"country": "Peru", "year": 2010, "rating": 2.5, "sent": "2022-01-01", "tags": [], "open": True, "team": "y"},
    {"country": "Cuba", "year": 2021, "sent": "2023-01-01", "open": False, "team": "y"},
    {"year": 1975, "team": "x"},
)


def answer(*filters, query="words", top_k=None):
    parts = [dict(zip(("field", "operator", "value"), each, strict=True)) for each in filters]
    return {"query": query, "filters": parts, "top_k": top_k}


def made_over(metadatas, **settings):
    corpus = MemoryCorpus()
    corpus.add(*(Node(id=f"n{n}", text="words", metadata=metadata) for n, metadata in enumerate(metadatas)))
    asked = Everything(corpus)
    auto = AutoRetriever(asked, corpus, **settings)
    auto.asked = asked.asked
    return auto


def ids(result):
    return {hit.node.id for hit in result}


@pytest.fixture
def reading(corpus_of, auto_over):
    """Make an auto retriever whose model gives one answer, and the model."""

    def make(given, **settings):
        model = ScriptedModel(lambda prompt: given)
        settings = {"top_k": 10, **settings}
        return auto_over(corpus_of(*NODES), interpreter="model", llm=model, **settings), model

    return make


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        (("year", ">", 1961), "year > 1961"),
        (("year", "==", "1961"), "year == 1961"),
        (("rating", ">=", 3), "rating >= 3"),
        (("country", "in", ["Peru", "Cuba"]), "country in ['Cuba', 'Peru']"),
        (("country", "not in", ["Peru"]), "country != 'Peru'"),
        (("tags", "in", ["b"]), "contains(tags, 'b')"),
        (("tags", "all", ["a", "b"]), "all(tags, ['a', 'b'])"),
        (("tags", "not in", ["a"]), "not (contains(tags, 'a'))"),
        (("sent", "<", "2022-01-01"), "sent < '2022-01-01'"),
        (("open", "==", True), "open == true"),
    ],
)
def test_a_condition_is_a_typed_filter(reading, condition, read):
    auto, model = reading(answer(condition))
    result = auto.retrieve("question")
    assert str(result.spec.filters) == read
    tree = MetadataFilters.parse(read)
    assert ids(result) == {f"n{n}" for n, metadata in enumerate(NODES) if tree.matches(metadata)}
    assert result.notes == (f"filters: {read}",)
    assert auto.asked[0].query_str == "words"
    assert len(model.asked) == 1


UNUSABLE = [
    answer(("planet", "==", "Mars")),
    answer(("year", "or", 1961)),
    answer(("year", ">", "soon")),
    answer(("year", ">", [1961])),
    answer(("country", "in", ["Atlantis"])),
    answer(("country", "in", [])),
    answer(("sent", "<", "next week")),
    answer(("open", "<", True)),
    answer(top_k=0),
    answer(top_k=-3),
    {"query": "words", "filters": {"or": []}, "top_k": None},
    {"query": "words", "filters": [{"condition": "or", "filters": []}], "top_k": None},
    {"query": "words", "filters": []},
    {**answer(), "scope": None},
    {**answer(), "filters": [{"field": "year", "operator": ">", "value": 1, "or": True}]},
    {"query": "half a pair \ud800", "filters": [], "top_k": None},
    "I would search for papers from Peru.",
    "{}",
    "",
]


@pytest.mark.parametrize("given", UNUSABLE, ids=range(len(UNUSABLE)))
def test_what_cannot_be_used_is_an_error_and_nobody_is_asked(reading, given):
    auto, _ = reading(given)
    with pytest.raises(FilterGenerationError, match="fix: "):
        auto.retrieve("question")
    with pytest.raises(FilterGenerationError):
        asyncio.run(auto.aretrieve("question"))
    assert auto.asked == []


@pytest.mark.parametrize("error", [ServiceError("no answer"), ModelAnswerError("prose")])
def test_a_model_that_does_not_answer_is_an_error(reading, error):
    auto, _ = reading(error)
    wanted = FilterGenerationError if isinstance(error, ModelAnswerError) else ServiceError
    with pytest.raises(wanted):
        auto.retrieve("question")
    assert auto.asked == []


@pytest.mark.parametrize(
    ("said", "asked", "found"),
    [(10**9, None, 4), (10**9, 2, 2), (2, None, 2), (2, 9, 2), (None, None, 3), (None, 1, 1)],
)
def test_the_number_of_hits_is_within_the_limits(reading, said, asked, found):
    auto, _ = reading(answer(top_k=said), top_k=3, max_top_k=4)
    assert len(auto.retrieve("question", top_k=asked)) == found


def test_nothing_of_nodes_outside_of_the_scope_is_told_to_the_model_or_by_it(reading):
    auto, model = reading(answer(("country", "in", ["Cuba"])))
    with pytest.raises(FilterGenerationError) as caught:
        auto.retrieve("question", scope={"team": "x"})
    told = json.dumps([model.asked[0].system, model.asked[0].data, model.asked[0].schema.model_json_schema()])
    assert "Peru" in told
    assert "Cuba" not in told
    assert '"y"' not in told
    assert "Peru" not in str(caught.value)
    with pytest.raises(FilterGenerationError):
        auto.retrieve("question", filters={"team": "x"})
    assert "Cuba" not in json.dumps(model.asked[1].data)
    assert "Cuba" not in str(auto.plan("question", scope={"team": "x"}))


def test_declared_fields_are_the_only_ones_and_their_values_are_those_in_view(corpus_of, auto_over):
    model = ScriptedModel(lambda prompt: answer())
    declared = [
        MetadataInfo(name="country", type="string", description="where", values=["Peru", "Cuba"]),
        {"name": "year", "type": "integer"},
    ]
    auto = auto_over(corpus_of(*NODES), interpreter="model", llm=model, metadata=declared, content="Reports.")
    auto.retrieve("question")
    auto.retrieve("question", scope={"team": "x"})
    first, second = (json.loads(prompt.data[0]) for prompt in model.asked)
    assert first == {
        "documents": "Reports.",
        "fields": [
            {"name": "country", "type": "string", "meaning": "where", "values": ["Peru", "Cuba"]},
            {"name": "year", "type": "number"},
        ],
    }
    assert second["fields"][0]["values"] == ["Peru"]


def test_without_fields_the_model_is_not_asked(reading):
    auto, model = reading(answer(("year", ">", 1)))
    result = auto.retrieve("question", scope={"team": "nobody"})
    assert result == []
    assert result.spec.query == "question"
    assert model.asked == []


def test_where_nothing_is_left_to_search_for_all_that_passes_comes(reading):
    auto, _ = reading(answer(("country", "in", ["Peru"]), query=" "))
    result = auto.retrieve("everything from Peru")
    assert auto.asked[0].query_str == "everything from Peru"
    assert ids(result) == {"n0", "n2"}


def test_the_prompt_can_be_read_and_changed(reading):
    auto, model = reading(answer())
    assert auto.get_prompts()["instructions"].startswith("You turn a question")
    auto.update_prompts(instructions="Fill in the form.")
    auto.retrieve("a question")
    assert model.asked[0].system == "Fill in the form."
    assert model.asked[0].data[1] == "a question"
    changed, model = reading(answer(), instructions="Otherwise.")
    changed.retrieve("a question")
    assert model.asked[0].system == "Otherwise."


def test_the_call_is_planned_and_paid_from_the_budget(reading):
    auto, model = reading(answer())
    plan = auto.plan("a question")
    assert (plan.llm_calls, plan.total("llm_calls")) == (1, 1)
    assert plan.tokens > 100
    assert model.asked == []
    with pytest.raises(BudgetExceededError):
        auto.retrieve(QueryBundle("a question", budget=Budget(llm_calls=0)))
    assert auto.asked == []


def test_a_model_that_hangs_is_given_up_at_the_deadline(corpus_of, auto_over):
    ended = threading.Event()

    def hang(prompt):
        ended.wait(60)
        return answer()

    auto = auto_over(corpus_of(*NODES), interpreter="model", llm=ScriptedModel(hang))
    try:
        with pytest.raises(DeadlineExceededError):
            auto.retrieve("a question", timeout=0.05)
        with pytest.raises(DeadlineExceededError):
            asyncio.run(auto.aretrieve("a question", timeout=0.05))
    finally:
        ended.set()
    assert auto.asked == []


def test_a_model_is_needed_only_by_who_asks_one(corpus_of, auto_over):
    with pytest.raises(MissingServiceError, match="language model"):
        auto_over(corpus_of(*NODES), interpreter="model")
    with pytest.raises(OptionError, match="metadata"):
        AutoRetriever(auto_over(corpus_of()))
    with pytest.raises(OptionError, match="declared twice"):
        auto_over(corpus_of(), metadata=[{"name": "a", "type": "string"}] * 2)


# Whatever the model says

VALUES = ("Peru", "Chile", "Cuba", "a", "b", "x", "y")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(["country", "year", "rating", "sent", "tags", "open", "team", "planet"])
likely = st.sampled_from(["Peru", "Cuba", "peru", "a", "b", "x", "y", 1961, 1990, 3.0, "2021-05-01", True, False])
operators = st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "in", "not in", "all", "or", "nin"])
conditions = st.fixed_dictionaries(
    {"field": fields, "operator": operators, "value": likely | st.lists(likely, max_size=3) | json_values}
)
sound = st.one_of(
    st.tuples(
        st.sampled_from(["year", "rating"]), st.sampled_from(["==", "!=", ">", "<="]), st.sampled_from([1961, 3])
    ),
    st.tuples(st.just("sent"), st.sampled_from(["<", ">=", "!="]), st.sampled_from(["2021-05-01", "2022-01-01"])),
    st.tuples(st.just("country"), st.sampled_from(["in", "not in"]), st.lists(st.sampled_from(VALUES[:3]), min_size=1)),
    st.tuples(
        st.just("tags"), st.sampled_from(["in", "not in", "all"]), st.lists(st.sampled_from(["a", "b"]), min_size=1)
    ),
    st.tuples(st.just("open"), st.sampled_from(["==", "!="]), st.booleans()),
).map(lambda each: dict(zip(("field", "operator", "value"), each, strict=True)))
answers = st.fixed_dictionaries(
    {
        "query": st.text(max_size=12),
        "filters": st.lists(sound, max_size=4) | st.lists(sound | conditions, max_size=4) | json_values,
        "top_k": st.none() | st.integers(-1, 10**10),
    }
)
callers = st.sampled_from([None, "team == 'x'", "year > 1970", "country == 'Peru' or open == false"])


def passes(condition, metadata):
    """Return whether metadata has what a condition of the form asks for, found out the long way."""
    held, operator, value = metadata.get(condition["field"]), condition["operator"], condition["value"]
    held = held if isinstance(held, list) else [] if held is None else [held]
    if operator in ("in", "not in", "all"):
        value = [next((v for v in VALUES if v.casefold() == str(each).casefold()), each) for each in value]
        if operator == "all" and len(set(value)) > 1:
            return set(value) <= set(held)
        return bool(set(value) & set(held)) == (operator != "not in")
    if not held:
        return operator == "!="
    compare = {"==": "__eq__", "!=": "__ne__", ">": "__gt__", ">=": "__ge__", "<": "__lt__", "<=": "__le__"}[operator]
    return getattr(held[0], compare)(type(held[0])(value))


@settings(unhurried)
@given(given_answer=answers | json_values, filters=callers, scope=callers)
def test_whatever_the_model_says_the_callers_filters_and_scope_hold(given_answer, filters, scope):
    auto = made_over(NODES, interpreter="model", llm=ScriptedModel(lambda prompt: json.dumps(given_answer)), top_k=10)
    allowed = [MetadataFilters.parse(text) for text in (filters, scope) if text]
    within = {f"n{n}" for n, metadata in enumerate(NODES) if all(tree.matches(metadata) for tree in allowed)}
    try:
        result = auto.retrieve("question", filters=filters, scope=scope)
    except FilterGenerationError:
        assert auto.asked == []
        return
    assert ids(result) <= within
    limit = min(given_answer["top_k"] or 10, 20)
    read = {f"n{n}" for n, m in enumerate(NODES) if all(passes(each, m) for each in given_answer["filters"])}
    assert len(result) == min(limit, len(within & read))
    assert ids(result) <= read
