"""The property: a server never sees more attempts than the budget allows. Tokens are limited before they are spent."""

import asyncio
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.asking import aask_all, ask_all
from retrieverkit_core.budget import Budget, limited
from retrieverkit_core.errors import BudgetExceededError, ModelAnswerError, RetrieverKitError
from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import ModelSettings, Prompt
from retrieverkit_llm.chat.habits import MEMORY
from retrieverkit_llm.chat.model import OpenAIModel
from retrieverkit_llm.chat.provider import OpenAIModelOptions
from retrieverkit_llm.chat.spending import LEAST_ANSWER
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

GOES_WRONG = [
    None,
    None,
    faults.status(500),
    faults.status(429, retry_after=0),
    faults.status(400),
    faults.RESET,
    faults.CUT_OFF,
    faults.PROSE,
    faults.LENGTH,
    faults.NOT_JSON,
    faults.REFUSAL,
]


@given(
    allowed=st.integers(0, 8),
    script=st.lists(st.sampled_from(GOES_WRONG), max_size=12),
    refuses=st.sets(st.sampled_from(["json_schema", "tool", "temperature"])),
    prompts=st.integers(1, 4),
    by_tasks=st.booleans(),
    usage=st.booleans(),
)
def test_a_server_never_sees_more_attempts_than_the_budget_allows(
    choosing, chosen, allowed, script, refuses, prompts, by_tasks, usage
):
    MEMORY.forget()
    with ModelServer(lambda request: chosen, faults=script, refuses=refuses, usage=usage) as server:
        options = OpenAIModelOptions(model="m", base_url=server.url, api_key_env=None, max_retries=3)
        model = OpenAIModel(options, first_wait=0.0)
        with limited(Budget(llm_calls=allowed)) as account:
            if by_tasks:
                given = asyncio.run(aask_all(model, [choosing] * prompts))
            else:
                given = ask_all(model, [choosing] * prompts)
        model.close()
    assert account.spent.llm_calls == len(server.requests) <= allowed
    answered = [each for each in given if not isinstance(each, RetrieverKitError)]
    assert sum(reply.usage.attempts for reply in answered) <= len(server.requests)
    assert all(reply.parsed.model_dump() == chosen for reply in answered)
    if len(answered) == prompts:
        tokens = sum(reply.usage.input_tokens + reply.usage.output_tokens for reply in answered)
        assert account.spent.tokens >= tokens > 0


def test_usage_is_what_the_endpoint_says_over_all_attempts(serve, model_of, ask, choosing, chosen):
    server = serve(lambda request: chosen, faults=[faults.status(500), faults.PROSE])
    with limited(Budget()) as account:
        usage = ask(model_of(server), choosing).usage
    said = [
        server.completion(request, text, {})["usage"]
        for request, text in zip(server.requests[1:], [PROSE, '{"label": "abcd", "grade": 3}'], strict=True)
    ]
    assert usage.attempts == 3
    assert usage.input_tokens == sum(each["prompt_tokens"] for each in said)
    assert usage.output_tokens == sum(each["completion_tokens"] for each in said)
    assert account.spent.tokens == usage.input_tokens + usage.output_tokens


PROSE = "Sure! Here is what you asked for, in plain words."


def test_without_usage_tokens_are_estimated(serve, model_of, ask, telling):
    server = serve(lambda request: "a" * 400, usage=False)
    with limited(Budget()) as account:
        usage = ask(model_of(server), telling).usage
    assert (usage.input_tokens, usage.output_tokens) == (tokens_of(telling.system, *telling.data), 100)
    assert account.spent.as_dict() == {"llm_calls": 1, "embedding_calls": 0, "tokens": usage.input_tokens + 100}


@pytest.mark.parametrize("asked", [None, 50, 5000])
def test_an_answer_is_limited_to_the_tokens_that_are_left(serve, model_of, ask, asked):
    server = serve(lambda request: "a" * 200)
    prompt = Prompt("Tell.", ("x" * 4000,), settings=ModelSettings(max_tokens=asked))
    with limited(Budget(tokens=1500)) as account:
        ask(model_of(server), prompt)
    left = 1500 - tokens_of(prompt.system, *prompt.data)
    assert server.requests[0].body["max_tokens"] == min(left, asked or left)
    assert account.spent.tokens <= 1500


def test_a_question_that_the_tokens_do_not_suffice_for_is_not_asked(serve, model_of, ask):
    server = serve()
    with limited(Budget(tokens=900)) as account, pytest.raises(BudgetExceededError, match="900 tokens, and 0 are"):
        ask(model_of(server), Prompt("Tell.", ("x" * 4000,)))
    assert server.requests == [] and not account.spent


def test_the_schema_counts_where_it_is_a_parameter(serve, model_of, ask, choosing):
    server = serve()
    with limited(Budget(tokens=tokens_of(choosing.system, *choosing.data) + 20)), pytest.raises(BudgetExceededError):
        ask(model_of(server), choosing)
    assert server.requests == []


def test_an_answer_that_the_budget_cut_off_is_a_spent_budget(serve, model_of, ask, telling):
    cut = faults.says("begin", finish_reason="length", name="cut")
    server = serve(faults=[cut, cut])
    with limited(Budget(tokens=200)), pytest.raises(BudgetExceededError) as caught:
        ask(model_of(server), telling)
    assert caught.value.limit == "tokens"
    own = Prompt("Tell.", ("x",), settings=ModelSettings(max_tokens=5))
    with limited(Budget(tokens=200)), pytest.raises(ModelAnswerError, match="cut off"):
        ask(model_of(server), own)


def test_what_a_refused_attempt_would_have_cost_is_given_back_and_what_was_lost_is_not(serve, model_of, ask, telling):
    server = serve(faults=[faults.status(503)] * 3 + [faults.RESET] * 3)
    read = tokens_of(telling.system, *telling.data)
    with limited(Budget()) as account:
        for least in (0, 3 * read):
            with pytest.raises(RetrieverKitError):
                ask(model_of(server, max_retries=2), telling)
            assert least <= account.spent.tokens <= least * (1 + LEAST_ANSWER)


def test_the_budget_holds_across_questions(serve, model_of, ask, telling):
    numbers = count()
    server = serve(lambda request: str(next(numbers)))
    model = model_of(server)
    with limited(Budget(llm_calls=2)):
        assert [ask(model, telling).text for _ in range(2)] == ["0", "1"]
        with pytest.raises(BudgetExceededError):
            ask(model, telling)
    assert len(server.requests) == 2
