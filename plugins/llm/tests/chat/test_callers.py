"""Threads, event loops, cancelled callers and forked children."""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from blockbuster import blockbuster_ctx
from pydantic import ValidationError

from retrieverkit.discovery import Discovery
from retrieverkit.services import IndexServices
from retrieverkit_core.asking import ask_all
from retrieverkit_core.budget import Budget, limited
from retrieverkit_core.errors import EndpointError, MissingServiceError
from retrieverkit_core.services import Prompt
from retrieverkit_llm.chat.provider import OpenAIModelOptions, provider
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer


def test_an_event_loop_is_not_blocked(serve, model_of, choosing, chosen):
    server = serve(
        lambda request: chosen, refuses=["json_schema"], faults=[faults.status(500), faults.RESET, None, faults.PROSE]
    )
    model = model_of(server)

    async def asked():
        with blockbuster_ctx():
            return await asyncio.gather(*(model.aask(choosing) for _ in range(12)))

    assert [reply.parsed.model_dump() for reply in asyncio.run(asked())] == [chosen] * 12


@pytest.mark.parametrize("fault", [faults.NEVER, faults.SLOW_BODY], ids=repr)
def test_a_cancelled_caller_ends_the_request_and_nothing_more_is_spent(serve, model_of, choosing, chosen, fault):
    server = serve(lambda request: chosen, faults=[None, fault])
    model = model_of(server, max_concurrent=1)

    async def cancelled():
        await model.aask(choosing)
        first = asyncio.create_task(model.aask(choosing))
        await asyncio.to_thread(server.wait_for, lambda server: len(server.requests) == 2)
        second = asyncio.create_task(model.aask(choosing))
        await asyncio.sleep(0)
        for task in (first, second):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert first.cancelled() and second.cancelled()
        await asyncio.to_thread(server.wait_for, lambda server: server.dropped)
        return await model.aask(choosing)

    with limited(Budget()) as account:
        assert asyncio.run(cancelled()).parsed.model_dump() == chosen
    assert account.spent.llm_calls == len(server.requests) == 3
    assert model.ask(choosing).parsed.model_dump() == chosen


def test_a_cancelled_caller_is_not_asked_for_again_between_attempts(serve, model_of, telling):
    server = serve(faults=[faults.status(429, retry_after=30)])
    model = model_of(server)

    async def cancelled():
        task = asyncio.create_task(model.aask(telling))
        await asyncio.to_thread(server.wait_for, lambda server: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert model.ask(telling).text == "yes" and len(server.requests) == 2


def test_cancelling_at_any_moment_harms_no_other_request(serve, model_of, telling):
    server = serve(lambda request: request.data[0])
    model = model_of(server, max_concurrent=3, max_retries=0)

    async def asked(number):
        return (await model.aask(Prompt("Repeat.", (str(number),)))).text

    async def disturbed():
        right = 0
        for number in range(40):
            victim = asyncio.create_task(asked(-number))
            others = [asyncio.create_task(asked(number + i)) for i in range(3)]
            for _ in range(number):
                await asyncio.sleep(0)
            victim.cancel()
            right += [await other for other in others] == [str(number + i) for i in range(3)]
            with suppress(asyncio.CancelledError):
                await victim
        return right

    assert asyncio.run(disturbed()) == 40


def test_threads_and_tasks_share_one_limit(serve, model_of, telling):
    meeting = threading.Barrier(3)

    def answer(request):
        meeting.wait(30)
        return "met"

    server = serve(answer)
    model = model_of(server, max_concurrent=3)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(model.ask(telling))) for _ in range(6)]

    async def asked():
        for thread in threads:
            thread.start()
        return await asyncio.gather(*(model.aask(telling) for _ in range(6)))

    replies += asyncio.run(asked())
    for thread in threads:
        thread.join()
    assert [reply.text for reply in replies] == ["met"] * 12 and server.most_at_once == 3


def test_many_waiting_tasks_take_no_threads(serve, model_of, telling):
    before = threading.active_count()
    most = []

    def answer(request):
        most.append(threading.active_count())
        return "yes"

    model = model_of(serve(answer), max_concurrent=2)

    async def asked():
        return await asyncio.gather(*(model.aask(telling) for _ in range(200)))

    assert len(asyncio.run(asked())) == 200
    assert max(most) < before + 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_connections_and_slots_of_its_own(key, model_of, choosing, chosen):
    with ModelServer(lambda request: chosen, faults=[None, faults.NEVER]) as server:
        model = model_of(server, max_concurrent=1, max_retries=0)
        model.ask(choosing)
        thread = threading.Thread(target=lambda: pytest.raises(EndpointError, model.ask, choosing))
        thread.start()
        server.wait_for(lambda server: len(server.requests) == 2)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if model.ask(choosing).parsed.model_dump() == chosen else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    thread.join()


def test_an_index_makes_it_by_name(serve, tmp_path):
    server = serve(lambda request: f"{request.body['model']} read {request.data[0]}")
    spec = f"openai(model='m', base_url='{server.url}', api_key_env='TEST_KEY', max_concurrent=2)"
    services = IndexServices(Discovery(), tmp_path, llm=spec)
    model = services.llm()
    assert model is services.llm()
    replies = ask_all(model, [Prompt("Read.", (text,)) for text in "abc"])
    assert [reply.text for reply in replies] == ["m read a", "m read b", "m read c"]


def test_what_is_missing_is_said_before_anything_is_asked(monkeypatch, serve, tmp_path):
    options = OpenAIModelOptions(model="m", api_key_env="NO_SUCH_KEY")
    assert "NO_SUCH_KEY is not set" in provider.problem(options)
    assert provider.problem(options.model_copy(update={"api_key_env": None})) == ""
    server = serve()
    spec = f"openai(model='m', base_url='{server.url}', api_key_env='NO_SUCH_KEY')"
    with pytest.raises(MissingServiceError, match="NO_SUCH"):
        IndexServices(Discovery(), tmp_path, llm=spec).llm()
    assert server.requests == []


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "sk-very-secret"},
        {"structured": "sk-very-secret"},
        {"max_concurrent": 0},
        {"timeout": "sk-very-secret"},
        {"base_url": "https://user:sk-very-secret@host/v1"},
    ],
)
def test_wrong_options_are_refused_without_repeating_them(options):
    with pytest.raises(ValidationError) as caught:
        OpenAIModelOptions(**{"model": "m"} | options)
    assert "very-secret" not in str(caught.value)


def test_the_provider_imports_nothing_heavy():
    code = "import sys, retrieverkit_llm.chat.provider; print({'numpy', 'httpcore2', 'stamina'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
