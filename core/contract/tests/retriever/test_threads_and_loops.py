"""Sync authors, async authors, deadlines, cancellation."""

import asyncio
import contextvars
import threading

import pytest

from retrieverkit_core import BaseRetriever, MetadataFilters, QueryBundle
from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import BatchError, DeadlineExceededError, EndpointError, OverloadedError, RetrievalError
from retrieverkit_core.plugin import NO_PUSHDOWN, FilterCapabilities
from retrieverkit_core.threads import WorkerThreads

principal = contextvars.ContextVar("principal", default="nobody")


def test_a_sync_authors_aretrieve_does_not_block_the_loop_and_keeps_context(make_hit):
    released = threading.Event()

    class Waits(BaseRetriever):
        def _retrieve(self, query_bundle):
            assert released.wait(30), "the event loop was blocked"
            return [make_hit(principal.get(), 1.0)]

    async def main():
        principal.set("alice")
        running = asyncio.ensure_future(Waits().aretrieve("q"))
        await asyncio.sleep(0)
        released.set()
        return await running

    assert [h.node_id for h in asyncio.run(main())] == ["alice"]


def test_a_huge_answer_is_not_checked_on_the_event_loop(make_hit):
    checked_in = set()

    class Watched(list):
        def __iter__(self):
            checked_in.add(threading.get_ident())
            return super().__iter__()

    one = make_hit("a")

    class Floods(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            return Watched([one] * 20_000)

    async def main():
        result = await Floods().aretrieve("q")
        return threading.get_ident(), [hit.node_id for hit in result]

    loop_thread, found = asyncio.run(main())
    assert found == ["a"]
    assert checked_in
    assert loop_thread not in checked_in


def test_fields_and_pushdown_are_not_asked_for_on_the_event_loop(make_hit):
    asked_in = set()

    class Knows(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            return [make_hit("a", year=1961)]

        def can_push(self, filter):
            asked_in.add(threading.get_ident())
            return False

        def known_fields(self):
            asked_in.add(threading.get_ident())
            return {"year": frozenset({"number"})}

    async def main():
        result = await Knows().aretrieve(QueryBundle("q", filters=MetadataFilters.parse("year == 1961")))
        return threading.get_ident(), [hit.node_id for hit in result]

    loop_thread, found = asyncio.run(main())
    assert found == ["a"]
    assert asked_in
    assert loop_thread not in asked_in


def test_an_async_authors_retrieve_works_inside_a_running_loop_and_nested(make_hit):
    class Inner(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            await asyncio.sleep(0)
            return [make_hit(principal.get(), 1.0)]

    class Outer(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            return Inner().retrieve(query_bundle)

    async def main():
        principal.set("bob")
        return Inner().retrieve("q"), Outer().retrieve("q")

    for result in asyncio.run(main()):
        assert [h.node_id for h in result] == ["bob"]


@pytest.mark.parametrize("capabilities", [NO_PUSHDOWN, FilterCapabilities(delegates=True)], ids=["leaf", "composite"])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_the_deadline_holds_for_code_that_never_returns(how, capabilities):
    never = threading.Event()

    class Hangs(BaseRetriever):
        filter_capabilities = capabilities

        def _retrieve(self, query_bundle):
            never.wait()
            return []

    query = QueryBundle("q", timeout=0.05)
    try:
        with pytest.raises(DeadlineExceededError) as caught:
            Hangs().retrieve(query) if how == "sync" else asyncio.run(Hangs().aretrieve(query))
        assert caught.value.retryable
    finally:
        never.set()


def test_an_inner_call_cannot_outlive_the_outer_deadline(make_hit):
    inner_limits = []

    class Inner(BaseRetriever):
        def _retrieve(self, query_bundle):
            from retrieverkit_core.deadline import remaining

            inner_limits.append(remaining())
            return []

    class Outer(BaseRetriever):
        def _retrieve(self, query_bundle):
            return Inner().retrieve(QueryBundle("q", timeout=1000))

    Outer().retrieve(QueryBundle("q", timeout=10))
    assert 0 < inner_limits[0] <= 10


def test_a_model_that_was_given_no_more_time_is_the_deadlines_error():
    class Asks(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            while remaining():  # without waking the loop: the model notices before the caller does
                pass
            raise EndpointError("it did not answer within 0.05 s", retryable=True)

    with pytest.raises(DeadlineExceededError) as caught:
        asyncio.run(Asks().aretrieve(QueryBundle("q", timeout=0.05)))
    assert caught.value.timeout == 0.05 and isinstance(caught.value.__cause__, EndpointError)


def test_an_authors_own_timeout_error_is_not_taken_for_the_deadline():
    class Raises(BaseRetriever):
        def _retrieve(self, query_bundle):
            raise TimeoutError("upstream")

    with pytest.raises(RetrievalError, match="upstream") as caught:
        Raises().retrieve(QueryBundle("q", timeout=60))
    assert not isinstance(caught.value, DeadlineExceededError)


def test_hung_calls_do_not_starve_others_and_are_capped():
    never = threading.Event()
    pool = WorkerThreads(limit=4)
    hung = [pool.submit(never.wait) for _ in range(3)]
    assert pool.submit(lambda: 42).result(30) == 42
    hung.append(pool.submit(never.wait))
    with pytest.raises(OverloadedError):
        pool.submit(lambda: 1)
    never.set()
    assert [f.result(30) for f in hung] == [True] * 4
    assert pool.submit(lambda: 7).result(30) == 7


def test_cancelled_aretrieve_passes_through_and_leaves_no_task():
    cancelled = []

    class Slow(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

    async def main():
        for _ in range(50):
            running = asyncio.ensure_future(Slow().aretrieve("q"))
            await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    assert len(cancelled) == 50


def test_batches_keep_what_did_not_fail(make_hit):
    class Picky(BaseRetriever):
        def _retrieve(self, query_bundle):
            if query_bundle.query_str == "bad":
                raise ValueError("no")
            return [make_hit(query_bundle.query_str, 1.0)]

    for run in (
        lambda: Picky().retrieve_many(["a", "bad", "c"]),
        lambda: asyncio.run(Picky().aretrieve_many(["a", "bad", "c"])),
    ):
        with pytest.raises(BatchError) as caught:
            run()
        assert list(caught.value.errors) == [1]
        assert [r and r[0].node_id for r in caught.value.results] == ["a", None, "c"]


def test_an_engines_own_batching_is_used_once_and_equals_single_calls(make_hit):
    batches = []

    class Engine(BaseRetriever):
        default_top_k = 2

        def _retrieve(self, query_bundle):
            return [make_hit(f"{query_bundle.query_str}{i}", 1.0 - i / 10) for i in range(query_bundle.top_k)]

        def _retrieve_many(self, query_bundles):
            batches.append(len(query_bundles))
            return [self._retrieve(query) for query in query_bundles]

    queries = ["a", "", QueryBundle("c", top_k=3), QueryBundle("d", top_k=0)]
    engine = Engine()
    single = [engine.retrieve(q) for q in queries]
    assert engine.retrieve_many(queries) == single
    assert asyncio.run(engine.aretrieve_many(queries)) == single
    assert batches == [2, 2]


def test_a_call_of_async_code_whose_time_is_up_leaves_nothing_running():
    from retrieverkit_core import deadline
    from retrieverkit_core.threads import run_coroutine

    async def running():
        return len(asyncio.all_tasks())

    before = run_coroutine(running)
    with deadline.limited(0.0), pytest.raises(TimeoutError):
        run_coroutine(lambda: asyncio.sleep(3600))
    assert run_coroutine(running) == before
