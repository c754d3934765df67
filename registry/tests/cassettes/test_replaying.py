"""A replay gives what the recorded run was given, and asks nobody."""

import asyncio
import json
import random
import secrets
import threading
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, create_model

from retrieverkit import cassette
from retrieverkit.discovery import Discovery
from retrieverkit.services import IndexServices
from retrieverkit_core import Budget, ModelSettings, Prompt, Reply, budget, trace
from retrieverkit_core.asking import ask_all
from retrieverkit_core.budget import Spent
from retrieverkit_core.errors import (
    BudgetExceededError,
    EndpointError,
    InvalidEmbeddingError,
    MissingServiceError,
    ModelAnswerError,
    NotRecordedError,
    ServiceError,
)
from retrieverkit_testkit.models import ScriptedModel

HOSTILE = st.text(st.characters() | st.sampled_from("⟦⟧0 \ud800\x18\n\x85\u2028"), max_size=20)
QUESTIONS = st.tuples(HOSTILE, st.lists(HOSTILE, max_size=2), st.integers(0, 3), st.booleans(), st.sampled_from([0, 1]))


def prompt_of(question):
    """Return a prompt with labels that were never used before, as a mode makes them for each call."""
    system, data, count, structured, temperature = question
    labels = tuple(f"label{secrets.token_hex(4)}" for _ in range(count))
    data = (*data, *(f"{label}: a text" for label in labels))
    schema = None
    if structured and labels:
        options = {"chosen": (list[Literal[labels]], ...), "why": (str, ...)}
        schema = create_model("Choice", __config__=ConfigDict(extra="forbid"), **options)
    settings = ModelSettings(temperature=float(temperature))
    return Prompt(system, data, schema, settings, labels)


def unlabelled(prompt, reply):
    """Return a reply as plain data, with its labels numbered."""
    told = [reply.text, reply.parsed and reply.parsed.model_dump(), [reply.usage.attempts, reply.usage.input_tokens]]
    text = json.dumps(told)
    for at, label in enumerate(prompt.labels):
        text = text.replace(label, f"LABEL {at}")
    return text


def shuffled(path, seed):
    first, *lines = path.read_bytes().splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    path.write_bytes(b"".join([first, *lines]))


@given(asked=st.lists(QUESTIONS, min_size=1, max_size=8), repeat=st.integers(1, 3), seed=st.integers())
def test_each_question_has_its_answers_again_whatever_its_labels_and_the_order_of_lines(
    tmp_path_factory, new_model, asked, repeat, seed
):
    path = tmp_path_factory.mktemp("tape") / "calls.jsonl"
    model, given_then = new_model(), []
    with cassette(path):
        llm = IndexServices(Discovery(), path.parent, None, model).llm()
        for question in asked * repeat:
            prompt = prompt_of(question)
            given_then.append(unlabelled(prompt, llm.ask(prompt)))
    assert len(model.asked) == len(asked) * repeat
    shuffled(path, seed)
    before = path.read_bytes()
    with cassette(path) as tape:
        prompts = [prompt_of(question) for question in asked * repeat]
        assert [unlabelled(prompt, llm.ask(prompt)) for prompt in prompts] == given_then
        assert tape.replayed == len(prompts) and not tape.recorded
    assert len(model.asked) == len(asked) * repeat
    assert path.read_bytes() == before


@given(
    first=st.lists(st.lists(HOSTILE, min_size=1, max_size=5), min_size=1, max_size=4),
    again=st.randoms(use_true_random=False),
)
def test_vectors_come_back_to_the_bit_however_texts_are_put_together(tmp_path_factory, new_embedding, first, again):
    path = tmp_path_factory.mktemp("tape") / "calls.jsonl"
    plain, recorded = new_embedding(), new_embedding()
    _, embedder = IndexServices(Discovery(), path.parent, recorded).embedding()
    with cassette(path):
        for texts in first:
            assert np.array_equal(embedder.embed_documents(texts), plain.embed_documents(texts))
            assert np.array_equal(embedder.embed_queries(texts), plain.embed_queries(texts))
    shuffled(path, again.random())
    done = len(recorded.texts)
    texts = [text for batch in first for text in batch]
    again.shuffle(texts)
    with cassette(path, "replay"):
        assert np.array_equal(embedder.embed_documents(texts), plain.embed_documents(texts))
        assert np.array_equal(embedder.embed_queries(texts[:1]), plain.embed_queries(texts[:1]))
        assert embedder.embed_documents([]).shape == (0, 4)
    assert len(recorded.texts) == done


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_is_asked_again_has_the_answers_in_their_order_and_then_the_last_again(services, model, tape, how):
    def ask():
        return llm.ask(Prompt("say")) if how == "sync" else asyncio.run(llm.aask(Prompt("say")))

    llm = services.llm()
    with cassette(tape):
        told = [ask().text for _ in range(3)]
    with cassette(tape):
        assert [ask().text for _ in range(5)] == [*told, told[-1], told[-1]]
    assert len(set(told)) == len(model.asked) == 3


def test_threads_that_ask_at_once_have_what_they_had(services, model, tape):
    from retrieverkit_core.asking import ask_all

    llm = services.llm()
    prompts = [Prompt("say", (str(n),)) for n in range(60)]
    with cassette(tape):
        told = [reply.text for reply in ask_all(llm, prompts)]
    with cassette(tape):
        assert [reply.text for reply in ask_all(llm, prompts[::-1])] == told[::-1]
    assert len(model.asked) == 60


@pytest.mark.parametrize(
    "failure",
    [
        EndpointError("no answer from label", status=503, retryable=True, fix="wait"),
        ServiceError("not in that shape"),
        InvalidEmbeddingError("not finite"),
        ModelAnswerError("not in that shape", answer="{", fix="ask again"),
    ],
)
def test_errors_of_a_model_are_recorded_and_those_of_the_caller_are_not(services, model, embedding, tape, failure):
    llm, (_, embedder) = services.llm(), services.embedding()

    def caught(ask):
        with pytest.raises(ServiceError) as error:
            ask()
        error = error.value
        return (
            type(error),
            error.message,
            error.fix,
            error.retryable,
            vars(error).get("status"),
            vars(error).get("answer"),
        )

    model.failure = embedding.failure = failure
    asks = [lambda: llm.ask(Prompt("say")), lambda: embedder.embed_documents(["a", "b"])]
    with cassette(tape):
        told = [caught(ask) for ask in asks]
        model.failure = MissingServiceError("the key is gone")
        with pytest.raises(MissingServiceError):
            llm.ask(Prompt("other"))
    model.failure = embedding.failure = None
    with cassette(tape):
        assert [caught(ask) for ask in asks] == told
        with pytest.raises(NotRecordedError):
            llm.ask(Prompt("other"))
    assert told[0][1:4] == (failure.message, failure.fix, failure.retryable)


def test_a_replay_spends_what_the_recorded_run_spent(services, tape):
    llm, (_, embedder) = services.llm(), services.embedding()

    def run(limits):
        with budget.limited(limits) as account:
            try:
                for n in range(4):
                    embedder.embed_documents([f"{n} {at}" for at in range(4)])
                    llm.ask(Prompt("say", (str(n),)))
            except BudgetExceededError as error:
                return account.spent, error.limit
            return account.spent, None

    with cassette(tape):
        whole = run(None)
        assert whole == (Spent(llm_calls=4, embedding_calls=8, tokens=28), None)
    with cassette(tape):
        assert run(None) == whole
    for limits in (Budget(llm_calls=2), Budget(embedding_calls=5), Budget(tokens=14)):
        live = run(limits)
        with cassette(tape):
            assert run(limits) == live
        # A run that ended for want of budget ends there again: it had not asked what came next.
        part = tape.with_name(f"{live[1]}.jsonl")
        with cassette(part):
            assert run(limits) == live
        with cassette(part) as played:
            assert run(limits) == live
        assert played.missing == []


def test_a_replay_runs_out_of_calls_where_the_recorded_run_did(services, model, tape):
    prompts = [Prompt("say", (str(n),)) for n in range(12)]

    def run():
        with budget.limited(Budget(llm_calls=5)):
            return [isinstance(reply, Reply) for reply in ask_all(services.llm(), prompts)]

    for _ in range(3):
        with cassette(tape):
            assert run() == [True] * 5 + [False] * 7
    assert len(model.asked) == 5


def test_a_prompt_that_had_too_few_tokens_left_has_too_few_again(tape, tmp_path):
    class Careful(ScriptedModel):
        def ask(self, prompt):
            budget.check(llm_calls=1, tokens=len(prompt.data[0]))
            return super().ask(prompt)

    asked = IndexServices(Discovery(), tmp_path, llm=Careful(lambda prompt: "said")).llm()
    for mode in ("record", "replay"):
        with cassette(tape, mode) as played, budget.limited(Budget(tokens=100)):
            assert asked.ask(Prompt("say", ("short",))).text == "said"
            with pytest.raises(BudgetExceededError, match="100 tokens"):
                asked.ask(Prompt("say", ("long " * 40,)))
        assert played.missing == []
    with cassette(tape), budget.limited(Budget(tokens=1000)), pytest.raises(NotRecordedError):
        asked.ask(Prompt("say", ("long " * 40,)))


def test_a_call_that_is_not_recorded_is_an_error_that_shows_the_nearest(services, model, embedding, tape):
    llm, (_, embedder) = services.llm(), services.embedding()
    with cassette(tape):
        llm.ask(Prompt("Choose from these.", ("query: moon", "a: a landing")))
        llm.ask(Prompt("Write queries.", ("bread",)))
        embedder.embed_queries(["what is on the moon"])
    with cassette(tape) as played:
        with pytest.raises(NotRecordedError, match="message 2 differs from character 6 on: asked 'a: a map', recorded"):
            llm.ask(Prompt("Choose from these.", ("query: moon", "a: a map")))
        with pytest.raises(NotRecordedError, match="settings differs"):
            llm.ask(Prompt("Write queries.", ("bread",), settings=ModelSettings(temperature=1.0)))
        with pytest.raises(NotRecordedError, match="asked 'document', recorded 'query'") as caught:
            embedder.embed_documents(["what is on the moon"])
        assert "fix: " in str(caught.value) and len(played.missing) == 3
    assert (len(model.asked), len(embedding.texts)) == (2, 1)


def test_what_is_added_by_auto_is_asked_once(services, model, embedding, tape):
    llm, (_, embedder) = services.llm(), services.embedding()
    with cassette(tape, "auto"):
        llm.ask(Prompt("one"))
        embedder.embed_documents(["a", "b"])
    with cassette(tape, "auto") as second:
        told = [llm.ask(Prompt(text)).text for text in ("one", "two", "two")]
        embedder.embed_documents(["b", "c", "a", "c"])
        assert (second.recorded, second.replayed) == (2, 3)
    assert [prompt.system for prompt in model.asked] == ["one", "two"]
    assert embedding.texts == ["a", "b", "c"]
    with cassette(tape, "replay"):
        assert [llm.ask(Prompt(text)).text for text in ("one", "two", "two")] == told


def test_two_tasks_with_a_cassette_each_do_not_mix(services, model, tape):
    llm = services.llm()

    async def run(name, words):
        with cassette(tape.with_name(name)):
            for word in words:
                await asyncio.sleep(0)
                await llm.aask(Prompt(word))

    async def both():
        await asyncio.gather(run("one.jsonl", "abcd"), run("two.jsonl", "wxyz"))

    asyncio.run(both())
    asyncio.run(both())
    assert len(model.asked) == 8
    told = {name: tape.with_name(name).read_text(encoding="utf-8") for name in ("one.jsonl", "two.jsonl")}
    assert [json.dumps(letter) in told["one.jsonl"] for letter in "abcdwxyz"] == [True] * 4 + [False] * 4
    assert [json.dumps(letter) in told["two.jsonl"] for letter in "abcdwxyz"] == [False] * 4 + [True] * 4


def test_a_call_that_outlives_the_block_is_not_added(services, model, tape):
    begun, go_on = threading.Event(), threading.Event()
    model.numbers = iter(lambda: (begun.set(), go_on.wait(30)) and 1, None)
    from retrieverkit_core.threads import WORKERS

    with cassette(tape):
        late = WORKERS.submit(services.llm().ask, Prompt("late"))
        assert begun.wait(30)
    before = tape.read_bytes()
    go_on.set()
    assert late.result(30).text
    assert tape.read_bytes() == before


def test_a_trace_hears_of_every_call(services, tape):
    heard = []

    class Hears:
        def reported(self, retriever, stage, facts):
            heard.append((retriever, stage, {name: facts[name] for name in facts if name != "milliseconds"}))

        def lost(self, retriever, stage, key, why):
            raise AssertionError

    def run():
        heard.clear()
        services.llm().ask(Prompt("say"))
        services.embedding()[1].embed_queries(["a", "b"])
        return list(heard)

    with trace.told_to(Hears()):
        live = run()
        with cassette(tape):
            assert run() == live
        with cassette(tape):
            assert run() == [(name, stage, {**facts, "replayed": True}) for name, stage, facts in live]
    assert live == [
        ("counting", "model", {"attempts": 1, "tokens": 7}),
        ("counting", "model", {"attempts": 1, "tokens": 0, "texts": 2}),
    ]


def test_many_missing_calls_are_told_of_quickly(services, tape):
    from retrieverkit_core.asking import ask_all

    llm = services.llm()
    with cassette(tape):
        ask_all(llm, [Prompt("say", (f"{n} " * 400,)) for n in range(50)])
    with cassette(tape) as played:
        errors = ask_all(llm, [Prompt("say", (f"other {n} " * 400,)) for n in range(200)])
        assert all(isinstance(error, NotRecordedError) for error in errors)
        assert len(played.missing) == 200
        explained = [error for error in played.missing if error.differences]
        assert 10 <= len(explained) < 30
        assert sum("the nearest" in str(error) for error in played.missing) == len(explained)
