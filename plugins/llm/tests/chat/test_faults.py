"""Each way that an endpoint can go wrong, asked by sync and by async code: a typed error in time, and no key in it."""

import os
import socket
import threading
import traceback

import pytest

from retrieverkit_core.budget import Budget
from retrieverkit_core.budget import limited as spending
from retrieverkit_core.deadline import limited
from retrieverkit_core.errors import EndpointError, ModelAnswerError, ServiceError
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

MAY_PASS = [faults.status(code) for code in (408, 409, 425, 429, 500, 502, 503, 529)]
MAY_PASS += [faults.status(429, retry_after=0.01), faults.RESET, faults.CUT_OFF]
WILL_NOT = [
    (faults.status(400), "400 Bad Request: the endpoint says 400"),
    (faults.status(401), "TEST_KEY"),
    (faults.status(404), "check base_url and model"),
    (faults.status(429, retry_after=3600), "429"),
    (faults.redirect("http://127.0.0.1:9/steal"), "redirects are not followed"),
    (faults.redirect("file:///etc/passwd", 302), "redirects are not followed"),
    (faults.HUGE_BODY, "longer than 8388608 bytes"),
    (faults.TRUNCATED_JSON, "it is not JSON"),
    (faults.NOT_JSON, "it is not JSON"),
    (faults.DEEP_JSON, "nested too deeply"),
    (faults.NO_CHOICES, "there is no choice in it"),
    (faults.raw(b"[]", "list"), "no JSON object"),
    (faults.raw(b'{"choices": [{}]}', "no_message"), "has no message"),
    (faults.raw(b'{"choices": [], "choices": []}', "twice"), "a name stands twice"),
    (faults.raw(b'{"choices": [NaN]}', "nan"), "NaN is not a number"),
    (faults.raw(b'{"error": {"message": "quota", "code": 429}}', "error_200"), "it is an error: quota"),
    (faults.echo_headers(401), r"\*\*\*"),
    (faults.echo_headers(400), r"\*\*\*"),
]
SHAPELESS = [faults.PROSE, faults.WRONG_SCHEMA, faults.TRUNCATED_ANSWER, faults.EMPTY]
SHAPELESS += [
    faults.says('{"label": "abcd", "grade": "3"}', "grade_in_words"),
    faults.says('{"label": "zzzz", "grade": 3}', "unknown_label"),
    faults.says('{"label": "abcd", "label": "efgh", "grade": 3}', "twice"),
    faults.says('{"label": "abcd", "grade": NaN}', "nan"),
    faults.says('{"label": "abcd", "grade": 3, "more": 1}', "more"),
    faults.says("[" * 100_000, "deep"),
    faults.says('```json\n{"label": "abcd", "grade": 3}\n```\n```json\n{"label": "efgh", "grade": 3}\n```', "two"),
]
ENDS = [
    (faults.LENGTH, "cut off at the limit of tokens"),
    (faults.CONTENT_FILTER, "withheld"),
    (faults.REFUSAL, r"declined: I cannot help with that\."),
    (faults.says('{"label": "abcd", "grade": 3}', "whole_and_length", finish_reason="length"), "cut off"),
]


def named(cases):
    return [repr(case[0]) for case in cases]


@pytest.mark.parametrize("fault", MAY_PASS, ids=repr)
def test_what_may_pass_is_tried_again(serve, model_of, ask, choosing, chosen, key_is_nowhere, fault):
    server = serve(lambda request: chosen, faults=[fault, fault])
    reply = ask(model_of(server), choosing)
    assert reply.parsed.model_dump() == chosen and reply.usage.attempts == len(server.requests) == 3

    server.do_next(fault, fault)
    with pytest.raises(EndpointError) as caught:
        ask(model_of(server, max_retries=1), choosing)
    assert caught.value.retryable and len(server.requests) == 5
    key_is_nowhere(caught.value, vars(caught.value), *traceback.format_exception(caught.value))


@pytest.mark.parametrize(("fault", "said"), WILL_NOT, ids=named(WILL_NOT))
def test_what_will_not_pass_is_not(serve, model_of, ask, choosing, telling, key_is_nowhere, fault, said):
    server = serve(faults=[fault, fault])
    for prompt in (choosing, telling):
        with pytest.raises(EndpointError, match=said) as caught:
            ask(model_of(server), prompt)
        key_is_nowhere(caught.value, vars(caught.value), *traceback.format_exception(caught.value))
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", SHAPELESS, ids=repr)
def test_an_answer_of_another_shape_is_asked_for_once_more(serve, model_of, ask, choosing, chosen, fault):
    server = serve(lambda request: chosen, faults=[fault])
    assert ask(model_of(server), choosing).parsed.model_dump() == chosen
    first, second = server.requests
    assert first.repairs == () and second.data == first.data and second.system == first.system
    (said,) = second.repairs
    assert "cannot be used" in said and '"abcd"' in said
    echoed = [message["content"] for message in second.messages if message["role"] == "assistant"]
    assert len(echoed) == 1 and len(echoed[0]) <= 4000 and len(said) < 2500

    server.do_next(fault, fault)
    with pytest.raises(ModelAnswerError, match="asked twice and did not answer in the shape of Choice") as caught:
        ask(model_of(server), choosing)
    assert len(server.requests) == 4 and len(str(caught.value)) < 2000 and len(caught.value.answer) <= 500


@pytest.mark.parametrize(("fault", "said"), ENDS, ids=named(ENDS))
def test_what_is_no_answer_is_never_taken_for_one(serve, model_of, ask, choosing, telling, fault, said):
    server = serve(faults=[fault, fault])
    for prompt in (choosing, telling):
        with pytest.raises(ModelAnswerError, match=said):
            ask(model_of(server), prompt)
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", [faults.EMPTY, faults.says(" \n", "blank"), faults.says(None, "null")], ids=repr)
def test_a_text_of_no_words_is_no_answer(serve, model_of, ask, telling, fault):
    with pytest.raises(ModelAnswerError, match="no words"):
        ask(model_of(serve(faults=[fault])), telling)


@pytest.mark.parametrize("fault", [faults.NEVER, faults.SLOW_BODY], ids=repr)
def test_what_hangs_is_left_at_the_timeout_and_at_the_deadline(serve, model_of, ask, telling, key_is_nowhere, fault):
    server = serve(faults=[fault, fault])
    with pytest.raises(EndpointError, match=r"did not answer within 1 s") as caught:
        ask(model_of(server, timeout=1.0, max_retries=0), telling)
    assert caught.value.retryable and caught.value.status is None
    with limited(1.0), pytest.raises(EndpointError, match=r"did not answer within 0\."):
        ask(model_of(server, max_retries=0), telling)
    server.wait_for(lambda server: len(server.dropped) == 2)
    key_is_nowhere(caught.value, vars(caught.value), *traceback.format_exception(caught.value))


def test_a_resolver_that_hangs_is_left_at_the_deadline(serve, model_of, ask, telling, monkeypatch):
    server, released, found = serve(), threading.Event(), socket.getaddrinfo

    def hang(host, *arguments, **options):
        if host != "far.example":
            return found(host, *arguments, **options)
        released.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        with limited(1.0), pytest.raises(EndpointError, match=r"did not answer within 0\."):
            ask(model_of(server, base_url="http://far.example/v1", max_retries=0), telling)
    finally:
        released.set()
    assert server.requests == []


def test_after_the_deadline_nobody_is_asked(serve, model_of, ask, telling):
    server = serve(faults=[faults.status(429, retry_after=50)])
    with limited(0), pytest.raises(EndpointError, match="deadline has passed"):
        ask(model_of(server), telling)
    assert server.requests == []
    with limited(20), pytest.raises(EndpointError, match="429"):
        ask(model_of(server), telling)
    assert len(server.requests) == 1


def test_a_caller_whose_deadline_passes_in_the_queue_asks_nobody(key, model_of, ask, telling):
    with ModelServer(faults=[faults.NEVER]) as server:
        model = model_of(server, max_concurrent=1, max_retries=0)
        first = threading.Thread(target=lambda: pytest.raises(EndpointError, model.ask, telling))
        first.start()
        server.wait_for(lambda server: server.requests)
        with limited(0.1), pytest.raises(EndpointError, match="deadline has passed") as caught:
            ask(model, telling)
        assert caught.value.retryable and len(server.requests) == 1
    first.join()


def test_a_closed_port(serve, model_of, ask, telling, key_is_nowhere):
    model = model_of(serve(), base_url="http://127.0.0.1:1/v1", max_retries=1)
    with pytest.raises(EndpointError, match="cannot be reached") as caught, spending(Budget()) as account:
        ask(model, telling)
    assert caught.value.retryable and account.spent.llm_calls == 2
    key_is_nowhere(model, vars(model), vars(model._endpoint), caught.value)


def test_the_key_is_sent_and_an_answer_that_repeats_it_does_not_show_it(serve, model_of, ask, telling, key_is_nowhere):
    server = serve(lambda request: request.headers["authorization"])
    reply = ask(model_of(server), telling)
    assert server.requests[0].headers["authorization"] == f"Bearer {os.environ['TEST_KEY']}"
    assert reply.text == "Bearer ***"
    key_is_nowhere(reply)
    server.do_next(faults.says("", refusal=f"not with {os.environ['TEST_KEY']}"))
    with pytest.raises(ServiceError, match=r"not with \*\*\*") as caught:
        ask(model_of(server), telling)
    key_is_nowhere(caught.value, vars(caught.value))
