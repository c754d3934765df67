"""Legs run side by side; the order in which they end changes nothing, and nothing is left behind."""

import asyncio
import contextvars
import gc
import itertools
import os
import threading

import pytest

from retrieverkit_core import QueryBundle
from retrieverkit_core.threads import WORKERS
from retrieverkit_fusion import FusionRetriever


def open_files():
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_legs_run_at_the_same_time(how, calls, hits):
    together = threading.Barrier(3, timeout=30)

    def meets(node_id):
        return lambda query: together.wait() >= 0 and hits(node_id)

    fused = FusionRetriever([calls(name, meets(name)) for name in "abc"])
    ask = {
        "sync": lambda: fused.retrieve("q"),
        "async": lambda: asyncio.run(fused.aretrieve("q")),
        "batch": lambda: fused.retrieve_many(["q"])[0],
    }
    assert [hit.node_id for hit in ask[how]()] == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["sync", "async"])
def test_no_more_legs_run_at_once_than_the_limit(how, calls, hits):
    lock, running, most = threading.Lock(), 0, 0

    def counts(query):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pairs.wait()
        with lock:
            running -= 1
        return hits("a")

    pairs = threading.Barrier(2, timeout=30)
    fused = FusionRetriever([calls(f"leg{n}", counts) for n in range(6)], concurrency=2)
    result = fused.retrieve("q") if how == "sync" else asyncio.run(fused.aretrieve("q"))
    assert [leg.n for leg in result.legs] == [1] * 6
    assert most == 2


@pytest.mark.parametrize("how", ["sync", "async"])
def test_which_leg_ends_first_changes_nothing(how, calls, hits):
    found = {"a": hits("x", "y", "z"), "b": hits("z", "w"), "c": hits("v", "y")}
    answers = []
    for order in itertools.permutations(found):
        ended = {name: threading.Event() for name in found}
        before = dict(zip(order[1:], order[:-1], strict=True))

        def leg(name, before=before, ended=ended):
            if name in before:
                assert ended[before[name]].wait(30)
            ended[name].set()
            return found[name]

        fused = FusionRetriever([calls(name, lambda query, name=name, leg=leg: leg(name)) for name in found])
        result = fused.retrieve("q") if how == "sync" else asyncio.run(fused.aretrieve("q"))
        answers.append([(hit.node_id, hit.score, hit.evidence) for hit in result])
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]


def test_async_legs_are_awaited_side_by_side_on_the_callers_loop(awaits, hits):
    async def main():
        loop = asyncio.get_running_loop()
        together = asyncio.Barrier(2)

        async def meets(query):
            assert asyncio.get_running_loop() is loop
            await together.wait()
            return hits("a")

        return await FusionRetriever([awaits("one", meets), awaits("two", meets)]).aretrieve("q")

    assert [leg.n for leg in asyncio.run(main()).legs] == [1, 1]


def test_sync_async_and_batch_give_one_answer(calls, awaits, hits):
    async def some(query):
        return hits("b", "c", query.query_str)

    fused = FusionRetriever([calls("one", lambda q: hits("a", "b")), awaits("two", some)], weights=[1, 3])
    queries = ["q", QueryBundle("other", top_k=2), "", "third"]

    async def main():
        return [await fused.aretrieve(query) for query in queries], await fused.aretrieve_many(queries)

    expected = [fused.retrieve(query) for query in queries]
    for results in (*asyncio.run(main()), fused.retrieve_many(queries)):
        assert results == expected
        assert [[hit.evidence for hit in r] for r in results] == [[hit.evidence for hit in r] for r in expected]
        assert [[(leg.name, leg.state, leg.n) for leg in r.legs] for r in results] == [
            [(leg.name, leg.state, leg.n) for leg in r.legs] for r in expected
        ]


def test_a_batch_is_one_question_to_each_leg(listed):
    class Batches(listed):
        def _retrieve_many(self, query_bundles):
            self.asked.append([query.query_str for query in query_bundles])
            return [self.found] * len(query_bundles)

    legs = [Batches("one", [("a", 1.0)]), Batches("two", [("b", 1.0)])]
    assert len(FusionRetriever(legs).retrieve_many(["x", "y", "z"])) == 3
    assert [leg.asked for leg in legs] == [[["x", "y", "z"]]] * 2


def test_legs_see_the_callers_context(calls, hits):
    principal = contextvars.ContextVar("principal", default="nobody")
    fused = FusionRetriever([calls(name, lambda query: hits(principal.get())) for name in "ab"])
    principal.set("alice")
    assert [hit.node_id for hit in fused.retrieve("q")] == ["alice"]
    assert [hit.node_id for hit in asyncio.run(fused.aretrieve("q"))] == ["alice"]


def test_a_cancelled_aretrieve_ends_every_leg_and_leaves_nothing(awaits, calls):
    async def main():
        entered, ended = [], []
        both = asyncio.Event()

        async def forever(query):
            entered.append(query)
            if len(entered) == 2:
                both.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(query)

        released = threading.Event()
        blocking = calls("blocks", lambda query: released.wait() and [])
        fused = FusionRetriever([awaits("one", forever), awaits("two", forever), blocking])
        running = asyncio.create_task(fused.aretrieve("q"))
        await both.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(ended) == 2
        assert asyncio.all_tasks() == {asyncio.current_task()}
        released.set()
        while WORKERS.busy:  # a thread cannot be cancelled; it is given back once its call ends
            await asyncio.sleep(0)

    async def often():
        await main()
        gc.collect()
        threads, files = threading.active_count(), open_files()
        for _ in range(200):
            await main()
        gc.collect()
        return threading.active_count() - threads, open_files() - files

    more_threads, more_files = asyncio.run(often())
    assert more_threads <= 0
    assert more_files <= 0
