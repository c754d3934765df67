"""`router`: the routes that were chosen are asked, and no others; where none is chosen nothing is made up."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_compose import RouterRetriever
from retrieverkit_core import Budget, Node
from retrieverkit_core.errors import (
    AllLegsFailedError,
    BudgetExceededError,
    ConfigError,
    DeadlineExceededError,
    MissingServiceError,
    OptionError,
    ServiceError,
)
from retrieverkit_testkit.choosers import by_words, choice
from retrieverkit_testkit.models import ScriptedModel

RULES = [["ice", "cold air"], ["salt"], ["gear box"]]


def routes(listed, count=3):
    return [listed([Node(id=f"{at}-{n}") for n in range(3)] + [Node(id="shared")], f"route{at}") for at in range(count)]


def asked(retriever, query, how="sync", **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


def states(result):
    return {leg.name: leg.state.value for leg in result.legs}


@given(
    words=st.lists(st.sampled_from(["ice", "ICE.", "cold", "air", "cold  air", "salt", "gear", "box", "other"])),
    multi=st.booleans(),
    otherwise=st.sampled_from([None, "route2"]),
    how=st.sampled_from(["sync", "async"]),
)
def test_the_routes_whose_words_the_query_says_are_asked_and_no_others(listed, words, multi, otherwise, how):
    query = " ".join(["what", *words])
    said = " ".join(query.casefold().replace(".", "").split())
    called = [at for at, phrases in enumerate(RULES) if any(f" {p} " in f" {said} " for p in phrases)]
    taken = called if multi else called[:1]
    taken = taken or ([2] if otherwise else [])
    legs = routes(listed)
    retriever = RouterRetriever(legs, rules=RULES, multi=multi, otherwise=otherwise, top_k=20)
    result = asked(retriever, query, how)
    assert [at for at, leg in enumerate(legs) if leg.asked] == taken
    assert states(result) == {f"route{at}": "ok" if at in taken else "skipped" for at in range(3)}
    assert {hit.node_id for hit in result} == {f"{at}-{n}" for at in taken for n in range(3)} | {
        "shared" for _ in taken
    }
    assert (result.outcome == "abstained") == (not taken)
    assert ("no route was chosen" in str(result.notes)) == (not called)
    if multi and len(taken) > 1:
        assert result[0].node_id == "shared" or result[0].score >= 1 / 61
        assert len(next(hit for hit in result if hit.node_id == "shared").evidence) == len(taken)


@pytest.mark.parametrize(
    ("phrase", "query", "called"),
    [
        ("C++", "a crash in C++?", True),
        ("C++", "vitamin C", False),
        ("c#", "F# or C#", True),
        ("c#", "C major", False),
        (".NET", "the net", True),
        ("東京", "東京の天気", True),
        ("大阪", "東京の天気", False),
        ("café", "a cafe\u0301 bar", True),
        ("error", "errors", False),
        ("error", "no terror", False),
        ("naïve bayes", "Naïve-Bayes", True),
        ("opening hours?", "the opening hours", True),
        ("???", "what???", True),
        ("???", "what", False),
        ("İzmir", "i̇zmir", True),
    ],
)
def test_a_phrase_is_said_by_its_words_in_any_script(listed, phrase, query, called):
    result = RouterRetriever(routes(listed, 2), rules=[[phrase], []]).retrieve(query)
    assert (result.notes[0] != "no route was chosen") == called


def test_a_function_that_returns_no_list_is_an_error(listed):
    with pytest.raises(ConfigError, match="not a list of routes"):
        RouterRetriever(routes(listed), by=lambda query: "route1").retrieve("query")
    with pytest.raises(OptionError):
        RouterRetriever(routes(listed, 2), rules=[[" "], []])


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_language_model_chooses_by_the_descriptions(listed, how):
    model = ScriptedModel(by_words)
    legs = routes(listed)
    described = ["ice and cold air", "salt at sea", "the gear box"]
    retriever = RouterRetriever(legs, by="llm", llm=model, descriptions=described, names=["a", "b", "c"])
    result = asked(retriever, "salt", how)
    assert states(result) == {"b": "ok", "a": "skipped", "c": "skipped"}
    assert result.spent.llm_calls == retriever.plan("salt").total("llm_calls") == 1
    assert asked(retriever, "engine", how).outcome == "abstained"
    with pytest.raises(BudgetExceededError):
        asked(retriever, "salt", how, budget=Budget(llm_calls=0))
    broken = RouterRetriever(
        legs, by="llm", llm=ScriptedModel(lambda prompt: ServiceError("down")), descriptions=described
    )
    with pytest.raises(ServiceError, match="down"):
        asked(broken, "salt", how)
    suspect = ScriptedModel(lambda prompt: choice(dict.fromkeys(prompt.labels, 5)))
    both = asked(RouterRetriever(legs, by="llm", llm=suspect, descriptions=described, multi=True), "salt", how)
    assert "suspect" in both.warnings[0] and states(both) == dict.fromkeys(["route0", "route1", "route2"], "ok")
    retriever.update_prompts(choose="Choose.")
    asked(retriever, "salt", how)
    assert model.asked[-1].system == "Choose."


def test_a_function_chooses(listed):
    legs = routes(listed)
    retriever = RouterRetriever(legs, by=lambda query: [f"route{len(query.query_str)}"])
    assert states(retriever.retrieve("q"))["route1"] == "ok"
    assert not retriever.plan("q").complete
    with pytest.raises(ConfigError, match="route7"):
        retriever.retrieve("queries")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_route_that_hangs_or_fails_is_a_partial_answer_beside_another(listed, hangs, how, with_time):
    fast = listed([Node(id="a")], "fast")
    both = RouterRetriever([fast, hangs], by=lambda query: ["fast", "hangs"], multi=True)

    def in_time(seconds):
        result = asked(both, "query", how, timeout=seconds)
        assert (states(result), result.outcome) == ({"fast": "ok", "hangs": "timeout"}, "partial")

    with_time(0.5, in_time)
    with pytest.raises(DeadlineExceededError):
        asked(RouterRetriever([fast, hangs], by=lambda query: ["hangs"]), "query", how, timeout=0.1)

    class Fails(type(fast)):
        def _retrieve(self, query_bundle):
            raise ServiceError("broken")

    failing = [Fails([], "one"), Fails([], "two")]
    with pytest.raises(AllLegsFailedError):
        asked(RouterRetriever(failing, by=lambda query: ["one", "two"], multi=True), "query", how)
    with pytest.raises(ServiceError, match="broken"):
        asked(RouterRetriever(failing, by=lambda query: ["one"]), "query", how)


def test_filters_and_scope_hold_on_every_route(listed):
    leg = listed([Node(id=f"{n}", metadata={"n": n, "tenant": "ab"[n % 2]}) for n in range(6)], "x")
    retriever = RouterRetriever([leg, listed([], "y")], by=lambda query: ["x", "y"], multi=True)
    result = retriever.retrieve("query", filters="n > 1", scope="tenant == 'a'")
    assert [hit.node_id for hit in result] == ["2", "4"]


def test_what_cannot_be_is_refused_when_it_is_built(listed):
    legs = routes(listed, 2)
    for retrievers, options, told in [
        ([], {"rules": []}, "nothing to choose"),
        (legs[:1], {"rules": [["x"]]}, "nothing to choose"),
        (legs, {}, "needs rules"),
        (legs, {"rules": [["x"]]}, "1 given for 2"),
        (legs, {"by": "llm"}, "needs descriptions"),
        (legs, {"by": "llm", "descriptions": ["a", "b"], "rules": [["x"], ["y"]]}, "rules are for"),
        (legs, {"rules": [["x"], ["y"]], "otherwise": "bm25"}, "none of"),
        ([legs[0], legs[0]], {"rules": [["x"], ["y"]]}, "one name twice"),
        (["bm25", "vector"], {"rules": [["x"], ["y"]]}, "not a BaseRetriever"),
        (legs, {"rules": [["x"], [""]]}, "at least 1 character"),
    ]:
        with pytest.raises(OptionError, match=told):
            RouterRetriever(retrievers, **options)
    with pytest.raises(MissingServiceError):
        RouterRetriever(legs, by="embedding", descriptions=["a", "b"])


@pytest.mark.needs("retrieverkit_vector")
def test_modes_in_a_string(tmp_path):
    from retrieverkit import Document, Index

    pytest.importorskip("retrieverkit_bm25")
    pytest.importorskip("retrieverkit_keyword")
    notes = ["ice at the inlet of the pump", "the pump is frozen by ice", "salt eats the blades near the sea"]
    with Index.from_documents([Document(text, id=f"d{n}") for n, text in enumerate(notes)], tmp_path / "a.rk") as index:
        ruled = "router(grep, bm25, rules=[['find', 'exactly'], []], otherwise='bm25')"
        assert states(index.retrieve("what eats the blades", ruled)) == {"bm25": "ok", "grep": "skipped"}
        near = index.as_retriever(
            "router(bm25, vector, by='embedding', embedding='lsa')", descriptions=["ice at the pump", "salt of the sea"]
        )
        assert states(near.retrieve("blades near the sea")) == {"vector": "ok", "bm25": "skipped"}
        assert near.retrieve("unheard words").outcome == "abstained"
        with pytest.raises(OptionError, match="nothing to choose"):
            index.as_retriever("router(bm25, rules=[['x']])")
