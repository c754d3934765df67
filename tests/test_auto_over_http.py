"""The mode auto with a language model over HTTP: what the endpoint does wrong never widens an answer."""

import asyncio

import pytest

from retrieverkit import Index
from retrieverkit_core import Budget, Node
from retrieverkit_core.errors import BudgetExceededError, EndpointError, FilterGenerationError
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

MODE = "auto(bm25, interpreter='model')"


def reading(field="year", operator=">", value=1990):
    filters = [{"field": field, "operator": operator, "value": value}]
    return {"query": "film", "filters": filters, "top_k": None}


@pytest.fixture
def asked():
    """Run a function with an index whose model is the server given."""

    def run(server, work):
        llm = f"openai(model='m', base_url='{server.url}', api_key_env=None)"
        with Index.from_documents([], llm=llm) as index:
            index.add_nodes(Node("film", id=str(year), metadata={"year": year}) for year in (1962, 1999, 2014))
            return work(index.as_retriever(MODE))

    return run


@pytest.mark.parametrize("refuses", [set(), {"json_schema"}])
def test_the_form_is_filled_in_however_the_endpoint_takes_schemas(asked, refuses):
    with ModelServer(lambda request: reading(), refuses=refuses) as server:
        result = asked(server, lambda auto: auto.retrieve("films after 1990"))
    assert [hit.node.id for hit in result] == ["1999", "2014"]
    assert str(result.spec.filters) == "year > 1990"


def test_a_busy_endpoint_is_asked_again(asked):
    with ModelServer(lambda request: reading(), faults=[faults.status(429, retry_after=0.01), None]) as server:
        result = asked(server, lambda auto: asyncio.run(auto.aretrieve("films after 1990")))
    assert [hit.node.id for hit in result] == ["1999", "2014"]


def test_a_form_that_does_not_fit_is_sent_back_once(asked):
    answers = iter([reading(field="planet"), reading()])
    with ModelServer(lambda request: next(answers)) as server:
        result = asked(server, lambda auto: auto.retrieve("films after 1990"))
    assert [hit.node.id for hit in result] == ["1999", "2014"]


@pytest.mark.parametrize("answer", ["Films from after 1990.", reading(field="planet"), reading(operator="or"), {}])
def test_what_does_not_fit_twice_is_an_error(asked, answer):
    with ModelServer(lambda request: answer) as server, pytest.raises(FilterGenerationError):
        asked(server, lambda auto: auto.retrieve("films after 1990"))


def test_more_hits_than_any_one_wants_are_not_given(asked):
    with ModelServer(lambda request: {"query": "film", "filters": [], "top_k": 10**9}) as server:
        result = asked(server, lambda auto: auto.retrieve("films", top_k=2))
    assert len(result) == 2


def test_an_endpoint_that_fails_is_an_error(asked):
    with ModelServer(lambda request: reading(), faults=[faults.status(400)]) as server, pytest.raises(EndpointError):
        asked(server, lambda auto: auto.retrieve("films after 1990"))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.says(None, refusal="I may not say."), "the model declined: I may not say."),
        (faults.says('{"query": "fi', finish_reason="length"), "cut off at the limit of tokens"),
        (faults.says("{}", finish_reason="content_filter"), "withheld the answer"),
        (faults.says("Films."), "asked twice and did not answer in the shape"),
    ],
    ids=["declined", "cut off", "withheld", "prose"],
)
def test_why_an_answer_cannot_be_used_is_said(asked, fault, told):
    with ModelServer(lambda request: reading(), faults=[fault] * 4) as server:
        for ask in (lambda auto: auto.retrieve("films"), lambda auto: asyncio.run(auto.aretrieve("films"))):
            with pytest.raises(FilterGenerationError, match=told) as caught:
                asked(server, ask)
            assert "interpreter='rules'" in caught.value.fix


def test_a_budget_that_does_not_last_for_the_filters_gives_no_answer_even_for_a_part(asked):
    with ModelServer(lambda request: reading()) as server:
        none = Budget(llm_calls=0, partial=True)
        for ask in (
            lambda auto: auto.retrieve("films after 1990", budget=none),
            lambda auto: asyncio.run(auto.aretrieve("films after 1990", budget=none)),
        ):
            with pytest.raises(BudgetExceededError):
                asked(server, ask)
        assert not server.requests
