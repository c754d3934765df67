"""`transform`: what a model wrote is asked, and a rewriting that fails never looks like one that did not."""

import asyncio
import threading

import pytest

from retrieverkit_compose import TransformRetriever
from retrieverkit_core import Budget, Node, QueryBundle
from retrieverkit_core.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    MissingServiceError,
    ModelAnswerError,
    OptionError,
    QueryError,
    ServiceError,
)
from retrieverkit_testkit.models import ScriptedModel


def writes(*texts):
    return ScriptedModel(lambda prompt: {"texts": list(texts)})


def asked(retriever, query, how="sync", **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


both_ways = pytest.mark.parametrize("how", ["sync", "async"])


class ByWord:
    """Makes a retriever that finds the nodes whose text has the query's first word."""

    def __new__(cls, listed, *texts):
        class Found(listed):
            def _retrieve(self, query_bundle):
                self.asked.append(query_bundle)
                word = query_bundle.query_str.split()[0]
                return [hit for hit in self.hits if word in hit.text][: query_bundle.top_k]

        return Found([Node(text=text, id=text) for text in texts], "words")


@both_ways
def test_queries_in_other_words_are_asked_beside_the_query_itself(listed, how):
    inner = ByWord(listed, "ice", "frost ice", "rime")
    model = writes("frost damage", "ICE", " ", "x" * 2000, "rime", "fourth", "fifth")
    retriever = TransformRetriever(inner, llm=model, num_queries=2)
    query = QueryBundle("ice", embedding=[1.0])
    result = asked(retriever, query, how)
    assert sorted(each.query_str for each in inner.asked) == ["frost damage", "ice", "rime"]
    assert {each.query_str: each.embedding for each in inner.asked} == {
        "ice": (1.0,),
        "frost damage": None,
        "rime": None,
    }
    assert result[0].node_id == "frost ice" and {hit.node_id for hit in result} == {"ice", "frost ice", "rime"}
    assert [(leg.name, leg.n) for leg in result.legs] == [
        ("rewriting", 2),
        ("words", 2),
        ("words@2", 1),
        ("words@3", 1),
    ]
    assert result.legs[2].note == "query 2: frost damage"
    assert [(each.leg, each.rank) for each in result[0].evidence] == [("words", 2), ("words@2", 1)]
    assert retriever.plan(query).total("llm_calls") == result.spent.llm_calls == 1
    assert [part.name for part in retriever.plan(query).parts] == ["words", "words@2", "words@3"]


@both_ways
def test_a_question_is_asked_in_its_parts_and_a_simple_one_is_said_to_be_simple(listed, how):
    inner = ByWord(listed, "salt", "ice")
    result = asked(TransformRetriever(inner, by="decompose", llm=writes("salt what?", "ice why?")), "both?", how)
    assert {hit.node_id for hit in result} == {"salt", "ice"}
    simple = asked(TransformRetriever(inner, by="decompose", llm=writes()), "ice", how)
    assert [hit.node_id for hit in simple] == ["ice"] and simple.outcome == "ok"
    assert simple.legs[0].note == "the question is simple already"


@both_ways
@pytest.mark.parametrize("original", [True, False])
def test_passages_are_words_and_embedding_of_the_one_query_that_is_asked(listed, how, original):
    inner = ByWord(listed, "ice", "frost")
    retriever = TransformRetriever(
        inner, by="hyde", llm=writes("frost grows"), num_queries=1, include_original=original
    )
    result = asked(retriever, "ice?", how, top_k=2)
    (query,) = inner.asked
    texts = ["ice?", "frost grows"] if original else ["frost grows"]
    assert (query.query_str, query.custom_embedding_strs, query.top_k) == ("\n".join(texts), tuple(texts), 2)
    assert [hit.score for hit in result] == ([] if original else [1.0])
    assert result.legs[1].note == "query 1: frost grows"
    assert retriever.plan("ice?").total("llm_calls") == 1


@both_ways
@pytest.mark.parametrize("by", ["multi_query", "decompose", "hyde"])
def test_a_rewriting_that_fails_makes_the_result_partial_or_is_an_error(listed, how, by):
    inner = ByWord(listed, "ice")
    wrong = [lambda prompt: ServiceError("down"), lambda prompt: "prose", lambda prompt: {"texts": ["ice", "  "]}]
    for answer in wrong:
        model = ScriptedModel(answer)
        result = asked(TransformRetriever(inner, by=by, llm=model), "ice", how)
        assert [hit.node_id for hit in result] == ["ice"] and result.outcome == "partial"
        assert (result.legs[0].name, result.legs[0].state) == ("rewriting", "failed") and result.legs[0].error
        with pytest.raises((ServiceError, ModelAnswerError)):
            asked(TransformRetriever(inner, by=by, llm=model, include_original=False), "ice", how)


@both_ways
def test_budgets_and_deadlines(listed, hangs, how, with_time):
    inner = ByWord(listed, "ice")
    with pytest.raises(BudgetExceededError):
        asked(TransformRetriever(inner, llm=writes("b")), "ice", how, budget=Budget(llm_calls=0))
    part = asked(TransformRetriever(inner, llm=writes("b")), "ice", how, budget=Budget(llm_calls=0, partial=True))
    assert part.outcome == "partial" and len(part) == 1
    released = threading.Event()
    slow = ScriptedModel(lambda prompt: {"texts": ["b"]} if released.wait(60) else "")

    def in_time(seconds):
        late = asked(TransformRetriever(inner, llm=slow), "ice", how, timeout=seconds)
        assert (late.legs[0].state, late.outcome, len(late)) == ("timeout", "partial", 1)

    with_time(0.4, in_time)
    released.set()
    with pytest.raises(DeadlineExceededError):
        asked(TransformRetriever(hangs, by="hyde", llm=writes("b")), "ice", how, timeout=0.1)


@both_ways
def test_a_function_rewrites(listed, how):
    inner = ByWord(listed, "ice", "frost")
    retriever = TransformRetriever(inner, by=lambda query: ["frost", query.query_str, "frost"])
    result = asked(retriever, "ice", how, filters="_node_id != 'ice'")
    assert [leg.name for leg in result.legs] == ["words", "words@2"]
    assert [hit.node_id for hit in result] == ["frost"]
    assert not retriever.plan("ice").complete and retriever.get_prompts() == {}
    with pytest.raises(QueryError, match="no query"):
        asked(TransformRetriever(inner, by=lambda query: []), "ice", how)


@pytest.mark.parametrize("written", ["queries", None, 3])
def test_a_function_that_returns_no_list_is_an_error(listed, written):
    with pytest.raises(QueryError, match="not a list"):
        TransformRetriever(listed([]), by=lambda query: written).retrieve("query")


def test_wordless_queries_prompts_and_wrong_settings(listed):
    inner = ByWord(listed, "ice")
    model = writes("b")
    retriever = TransformRetriever(inner, llm=model)
    wordless = QueryBundle("", embedding=[1.0])
    anyway = listed([Node(id="a")])
    for more in ({}, {"include_original": False}, {"by": "hyde"}):
        result = TransformRetriever(anyway, llm=model, **more).retrieve(wordless)
        assert len(result) == 1 and (result.legs[0].state, result.legs[0].note) == ("skipped", "the query has no words")
        assert TransformRetriever(anyway, llm=model, **more).plan(wordless).total("llm_calls") == 0
    assert model.asked == []
    assert retriever.retrieve(" ") == []
    retriever.update_prompts(write="Write {count}.")
    retriever.retrieve("ice")
    assert model.asked[-1].system == "Write 3."
    with pytest.raises(OptionError):
        retriever.update_prompts(write="Write.")
    for wrong in ({"by": "stepback"}, {"num_queries": 0}, {"num_queries": 17}, {"candidates": 0}):
        with pytest.raises(OptionError):
            TransformRetriever(inner, llm=model, **wrong)
    with pytest.raises(MissingServiceError):
        TransformRetriever(inner)


@pytest.mark.needs("retrieverkit_bm25")
def test_modes_in_a_string(tmp_path):
    from retrieverkit import Document, Index

    notes = ["ice at the inlet", "frost on the wing", "salt eats blades"]
    documents = [Document(text, id=f"d{n}", metadata={"n": n}) for n, text in enumerate(notes)]
    with Index.from_documents(documents, tmp_path / "a.rk", llm=writes("frost wing")) as index:
        for by in ("multi_query", "hyde"):
            result = index.retrieve("ice", f"transform(bm25, by='{by}')", filters="n < 2")
            assert {hit.node_id for hit in result} == {"d0", "d1"}
        with pytest.raises(OptionError, match="keep one"):
            index.as_retriever("transform(bm25(top_k=3), candidates=5)")
        with pytest.raises(OptionError, match="ask several times"):
            index.as_retriever("transform(bm25, by='hyde', candidates=5)")
