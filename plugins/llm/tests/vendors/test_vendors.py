"""Vendors' models through pydantic-ai: one attempt is one HTTP request, and every one is counted."""

import asyncio
import traceback
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from retrieverkit_core.budget import Budget
from retrieverkit_core.budget import limited as spending
from retrieverkit_core.deadline import limited
from retrieverkit_core.errors import BudgetExceededError, EndpointError, MissingServiceError, ModelAnswerError
from retrieverkit_core.services import LanguageModel, ModelSettings, Prompt
from retrieverkit_llm.chat.habits import MEMORY
from retrieverkit_llm.vendors.provider import VendorModelOptions, provider
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

pytest.importorskip("pydantic_ai")
pytest.importorskip("openai")

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from retrieverkit_llm.vendors.model import VendorModel


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Literal["abcd", "efgh"]
    grade: int


CHOSEN = {"label": "abcd", "grade": 3}
CHOOSING = Prompt("Choose.", ("query: ice", "abcd: frozen inlet"), Choice, ModelSettings(max_tokens=500))
TELLING = Prompt("Tell.", ("frozen inlet",))


@pytest.fixture(autouse=True)
def nothing_is_learnt():
    MEMORY.forget()
    yield
    MEMORY.forget()


@pytest.fixture(params=["sync", "async"])
def ask(request):
    def ask(model, prompt):
        return model.ask(prompt) if request.param == "sync" else asyncio.run(model.aask(prompt))

    return ask


@pytest.fixture
def serve(key, monkeypatch):
    from contextlib import ExitStack

    with ExitStack() as stack:

        def serve(*arguments, **options):
            server = stack.enter_context(ModelServer(*arguments, **options))
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", key)
            return server

        yield serve


def model_of(**options):
    return VendorModel(VendorModelOptions(**{"model": "openai-chat:gpt-4o"} | options), first_wait=0.0)


def test_it_is_made_by_name_and_answers(serve, ask):
    server = serve(lambda request: CHOSEN if request.schema else "an answer")
    options = VendorModelOptions(model="openai-chat:gpt-4o")
    assert provider.problem(options) == ""
    model = provider.make(options)
    assert isinstance(model, LanguageModel) and model.name == "openai-chat:gpt-4o"
    assert ask(model, TELLING).text == "an answer"
    reply = ask(model, CHOOSING)
    assert reply.parsed == Choice(**CHOSEN) and reply.usage.attempts == 1
    told, chose = server.requests
    assert (told.system, told.data, told.way) == ("Tell.", ("frozen inlet",), "text")
    assert (chose.system, chose.data, chose.way) == ("Choose.", CHOOSING.data, "json_schema")
    assert chose.schema["required"] == ["label", "grade"]
    usage = server.completion(chose, reply.text, {})["usage"]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (
        usage["prompt_tokens"],
        usage["completion_tokens"],
    )


@pytest.mark.parametrize("way", ["json_schema", "tool", "prompt"])
def test_each_way_asks_for_the_same_shape(serve, ask, way):
    server = serve(lambda request: CHOSEN)
    assert ask(model_of(structured=way), CHOOSING).parsed == Choice(**CHOSEN)
    (request,) = server.requests
    assert request.way == way and request.schema["properties"]["label"]["enum"] == ["abcd", "efgh"]


def test_the_way_is_found_by_refusals_and_remembered(serve, ask):
    server = serve(lambda request: CHOSEN, refuses=["json_schema"])
    assert ask(model_of(), CHOOSING).usage.attempts == 2
    assert ask(model_of(), CHOOSING).usage.attempts == 1
    assert [request.way for request in server.requests] == ["json_schema", "tool", "tool"]


@pytest.mark.parametrize(
    "fault", [faults.status(500), faults.status(429, retry_after=0.01), faults.status(503), faults.RESET], ids=repr
)
def test_every_attempt_is_counted_and_the_vendors_package_makes_none_of_its_own(serve, ask, fault):
    server = serve(lambda request: CHOSEN, faults=[fault, fault])
    assert ask(model_of(), CHOOSING).usage.attempts == len(server.requests) == 3
    server.do_next(*[fault] * 9)
    with spending(Budget(llm_calls=2)) as account, pytest.raises(BudgetExceededError):
        ask(model_of(), CHOOSING)
    assert account.spent.llm_calls == 2 and len(server.requests) == 5
    with pytest.raises(EndpointError) as caught:
        ask(model_of(max_retries=1), CHOOSING)
    assert caught.value.retryable and len(server.requests) == 7


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (faults.status(400, "no such thing"), EndpointError, "answered 400: no such thing"),
        (faults.status(401), EndpointError, "answered 401"),
        (faults.echo_headers(401), EndpointError, r"\*\*\*"),
        (faults.NO_CHOICES, EndpointError, "cannot be asked"),
        (faults.LENGTH, ModelAnswerError, "cut off"),
        (faults.CONTENT_FILTER, ModelAnswerError, "withheld"),
        (faults.REFUSAL, ModelAnswerError, "withheld|declined"),
    ],
    ids=lambda value: repr(value) if isinstance(value, faults.Fault) else "",
)
def test_what_will_not_pass_is_a_typed_error_without_the_key(serve, ask, key_is_nowhere, fault, error, said):
    server = serve(faults=[fault, fault])
    for prompt in (CHOOSING, TELLING):
        with pytest.raises(error, match=said) as caught:
            ask(model_of(), prompt)
        assert not caught.value.retryable
        shown = [caught.value, vars(caught.value), *traceback.format_exception(caught.value)]
        assert "sk-very-secret" not in "".join(map(str, shown))
    assert len(server.requests) == 2


def test_an_answer_of_another_shape_is_asked_for_once_more(serve, ask):
    server = serve(lambda request: CHOSEN, faults=[faults.PROSE])
    assert ask(model_of(), CHOOSING).usage.attempts == 2
    assert "cannot be used" in server.requests[1].repairs[0]
    server.do_next(faults.WRONG_SCHEMA, faults.WRONG_SCHEMA)
    with pytest.raises(ModelAnswerError, match="asked twice"):
        ask(model_of(), CHOOSING)


def test_what_hangs_is_left_at_the_timeout_and_at_the_deadline(serve, ask):
    server = serve(faults=[faults.NEVER, faults.NEVER])
    with pytest.raises(EndpointError, match=r"did not answer within 0\.3 s"):
        ask(model_of(timeout=0.3, max_retries=0), TELLING)
    with limited(0.3), pytest.raises(EndpointError, match="did not answer"):
        ask(model_of(max_retries=0), TELLING)
    server.wait_for(lambda server: len(server.dropped) == 2)
    with limited(0), pytest.raises(EndpointError):
        ask(model_of(), TELLING)
    assert len(server.requests) == 2


def test_a_cancelled_caller_ends_the_request_and_nothing_more_is_spent(serve):
    server = serve(faults=[faults.NEVER])
    model = model_of(max_concurrent=1)

    async def cancelled():
        task = asyncio.create_task(model.aask(TELLING))
        await asyncio.to_thread(server.wait_for, lambda server: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(server.wait_for, lambda server: server.dropped)
        return await model.aask(TELLING)

    assert asyncio.run(cancelled()).text == "yes" and len(server.requests) == 2


def test_the_tokens_that_are_left_limit_the_answer(serve, ask):
    server = serve()
    with spending(Budget(tokens=1000)):
        ask(model_of(), TELLING)
    (limit,) = {"max_tokens", "max_completion_tokens"} & set(server.requests[0].body)
    assert 900 < server.requests[0].body[limit] < 1000


def test_models_that_know_no_json_schema_are_asked_by_a_tool_at_once(ask):
    seen = []

    def answer(messages, info):
        seen.append((len(messages), [tool.name for tool in info.output_tools]))
        return ModelResponse([ToolCallPart(info.output_tools[0].name, CHOSEN)])

    profile = {"supports_json_schema_output": False, "supports_tools": True}
    model = VendorModel(VendorModelOptions(model="f"), make_model=lambda: FunctionModel(answer, profile=profile))
    assert ask(model, CHOOSING).parsed == Choice(**CHOSEN) and seen == [(1, ["Choice"])]


def test_a_function_of_pydantic_ai_may_answer(ask):
    model = VendorModel(
        VendorModelOptions(model="f"), make_model=lambda: FunctionModel(lambda m, i: ModelResponse([TextPart("hm")]))
    )
    assert ask(model, TELLING).text == "hm"


@pytest.mark.parametrize("model", ["nobody:m", "m", "openai-chat:"])
def test_what_is_missing_is_said_when_it_is_made(monkeypatch, model):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(MissingServiceError, match="cannot be used"):
        model_of(model=model)


def test_vendors_whose_attempts_cannot_be_counted_are_refused():
    class Uncounted(FunctionModel):
        unsupported_settings = frozenset({"max_retries"})

    with pytest.raises(MissingServiceError, match="cannot be counted"):
        VendorModel(VendorModelOptions(model="f"), make_model=lambda: Uncounted(lambda m, i: None))
