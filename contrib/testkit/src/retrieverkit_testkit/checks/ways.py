"""Sync, async and batch are one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from blockbuster import blockbuster_ctx

from retrieverkit_core.errors import BatchError, QueryError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import ensure_same, scored
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.queries_that_fail import Unreadable
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import CheckFailed, ensure

_BUSY = 0.01
"""Seconds of the processor that a call may take in the event loop's thread; a turn of core takes a tenth of it."""

_MUCH_BUSIER = 5
"""On a slow machine a call over many documents may take longer there, but hardly longer than over a few."""

_TRIES = 4
"""How often the same call may take longer: another process that fills the caches makes the quickest slow."""


def _queries() -> list[QueryBundle]:
    north = MetadataFilters.parse("tenant == 'north'")
    texts = [document.text for document in library()[:4]]
    return [
        QueryBundle(SHARED, top_k=20),
        QueryBundle("", top_k=3),
        *(QueryBundle(text, top_k=4) for text in texts),
        QueryBundle(SHARED, top_k=20, filters=north),
        QueryBundle(SHARED, top_k=2, scope=north),
        QueryBundle("zzyzx", top_k=3),
    ]


@check(Capability.DETERMINISTIC)
def check_async_equals_sync(subject: Subject) -> None:
    """``aretrieve`` gives what ``retrieve`` gives, with filters and scope too.

    To mend: implement one of ``_retrieve`` and ``_aretrieve`` and let core give you the other, or share the code.
    """
    with subject.shelf() as trial:
        for query in _queries():
            found = in_loop(trial.retriever.aretrieve(query))
            ensure_same(scored(found), scored(trial.retriever.retrieve(query)), f"aretrieve({query})")


@check(Capability.DETERMINISTIC)
def check_batch_equals_single(subject: Subject) -> None:
    """``retrieve_many`` and ``aretrieve_many`` give, in order, what ``retrieve`` gives for each query.

    To mend: keep each query's own ``top_k`` and filters in ``_retrieve_many``, and return one list a query, in order.
    """
    queries = _queries()
    with subject.shelf() as trial:
        expected = [scored(trial.retriever.retrieve(query)) for query in queries]
        many = {
            "retrieve_many": trial.retriever.retrieve_many(queries),
            "aretrieve_many": in_loop(trial.retriever.aretrieve_many(queries)),
        }
        for way, results in many.items():
            ensure(len(results) == len(queries), f"{way} answered {len(queries)} queries with {len(results)} results")
            for query, result, wanted in zip(queries, results, expected, strict=True):
                ensure_same(scored(result), wanted, f"{way}: {query}", tolerance=1e-5)
        ensure(trial.retriever.retrieve_many([]) == [], "no queries have results")


@check(Capability.DETERMINISTIC)
def check_a_large_batch_equals_single_calls(subject: Subject) -> None:
    """A hundred queries, with repeated texts under other limits, have their own answers, each in its place.

    To mend: do not sort, group or deduplicate queries by their text alone; compute as for one query, in the same
    precision.
    """
    texts = [*(document.text for document in library()[:6]), SHARED, "herring comet", "", "zzyzx"]
    filters = (None, None, MetadataFilters.parse("year > 1990"), MetadataFilters.parse("tenant == 'north'"))
    queries = [
        QueryBundle(
            texts[(7 * n) % len(texts)], top_k=(1, 20, 3)[n % 3], filters=filters[n % 4], scope=filters[n % 7 % 4]
        )
        for n in range(100)
    ]
    queries = list(subject.few(queries, calls=3))
    with subject.shelf() as trial:
        expected = [scored(trial.retriever.retrieve(query)) for query in queries]
        for way, results in {
            "retrieve_many": trial.retriever.retrieve_many(queries),
            "aretrieve_many": in_loop(trial.retriever.aretrieve_many(queries)),
        }.items():
            ensure(len(results) == len(queries), f"{way} answered {len(queries)} queries with {len(results)} results")
            for place, (result, wanted) in enumerate(zip(results, expected, strict=True)):
                told = f"{way} of {len(queries)} queries, the one at {place}"
                ensure_same(scored(result), wanted, told, tolerance=1e-5)


@check()
def check_a_batch_survives_a_bad_query(subject: Subject) -> None:
    """Where one query of a batch fails, the error names it and holds the results of the others.

    To mend: raise for the batch only where the engine as a whole failed; else give a query's error in its place.
    """
    with subject.shelf() as trial:
        good = QueryBundle(SHARED, top_k=3)
        ways: tuple[Callable[[list[QueryBundle]], object], ...] = (
            lambda queries: trial.retriever.retrieve_many(queries),
            lambda queries: in_loop(trial.retriever.aretrieve_many(queries)),
        )
        for way in ways:
            try:
                way([good, Unreadable(SHARED, top_k=3), good])
            except BatchError as error:
                ensure(list(error.errors) == [1], f"the error names the queries {list(error.errors)}, not 1")
                lost = error.results[0] is None or error.results[2] is None
                ensure(not lost, "the results of the good queries are lost")
            else:
                raise CheckFailed("no query of the batch failed, though one cannot be read")
        try:
            trial.retriever.retrieve_many(["fine", None])  # type: ignore[list-item]
        except QueryError:
            return
        raise CheckFailed("a batch with a query that is none is accepted")


@check()
def check_async_does_not_block_the_loop(subject: Subject) -> None:
    """Nothing that ``aretrieve`` does in the event loop waits: no sleep, file, socket, lock or process.

    To mend: implement ``_retrieve`` alone, which core runs in a worker thread; or in ``_aretrieve`` await what
    waits, and hand what cannot be awaited to ``asyncio.to_thread``.
    """
    year = MetadataFilters.parse("year > 1970")
    with subject.shelf() as trial:

        async def ask() -> None:
            for query in (
                QueryBundle(SHARED, top_k=3),
                QueryBundle(SHARED, top_k=3, filters=year),
                QueryBundle(SHARED, top_k=3, scope=year),
                QueryBundle(SHARED, filters=year, scope=year),
                QueryBundle("zzyzx", top_k=3),
                QueryBundle("", top_k=3),
                QueryBundle(SHARED, top_k=0),
                QueryBundle("straw " * 500, top_k=3),
                QueryBundle(SHARED, top_k=3, timeout=60.0),
            ):
                await trial.retriever.aretrieve(query)
            await trial.retriever.aretrieve_many([SHARED, library()[0].text])
            await trial.retriever.aretrieve_many([QueryBundle(SHARED, scope=year), QueryBundle(SHARED, filters=year)])

        with blockbuster_ctx():
            in_loop(ask())
    with subject.over(library()) as trial, blockbuster_ctx():
        in_loop(trial.retriever.aretrieve(SHARED))


@check()
def check_async_does_not_compute_in_the_loop(subject: Subject) -> None:
    """A search of many documents does not keep the processor in the event loop's thread, where all others wait.

    To mend: hand what computes to ``asyncio.to_thread``, or implement ``_retrieve`` alone, which core runs there.
    """

    async def busy(trial: Trial, text: str) -> float:
        before = time.thread_time()
        await trial.retriever.aretrieve(QueryBundle(text, top_k=3))
        return time.thread_time() - before

    def least(trial: Trial) -> float:
        """Return how long the quickest of some calls was busy; of one, where that was quick enough."""
        seconds = in_loop(busy(trial, "shared"))
        for text in ("word shared", "shared") * _TRIES:
            seconds = seconds if seconds < _BUSY else min(seconds, in_loop(busy(trial, text)))
        return seconds

    with subject.crowd() as (trial, documents):
        seconds = least(trial)
        if seconds < _BUSY:
            return
        with subject.over(documents[:10]) as small:
            least_of_few = least(small)
    ensure(
        seconds < _MUCH_BUSIER * least_of_few,
        f"over {len(documents):,} documents a call computes for {1000 * seconds:.0f} ms in the event loop",
    )


@check()
def check_sync_works_inside_a_running_loop(subject: Subject) -> None:
    """``retrieve`` works where an event loop is running already, as in Jupyter.

    To mend: no ``asyncio.run`` and no ``run_until_complete`` in ``_retrieve``; implement ``_aretrieve`` and core runs
    it for sync callers.
    """
    with subject.shelf() as trial:

        async def ask() -> int:
            return len(trial.retriever.retrieve(QueryBundle(SHARED, top_k=3)))

        expected = len(trial.ask(SHARED, top_k=3))
        ensure(in_loop(ask()) == expected, "the answer inside a running loop is another")


@check()
def check_async_works_in_one_loop_after_another(subject: Subject) -> None:
    """A retriever answers in a second event loop when the first one is closed.

    To mend: make locks, clients and sessions that belong to a loop in the call, or one for each running loop.
    """
    with subject.shelf() as trial:
        counts = {
            len(asyncio.run(trial.retriever.aretrieve(QueryBundle(SHARED, top_k=3)))),
            len(asyncio.run(trial.retriever.aretrieve(QueryBundle(SHARED, top_k=3)))),
            len(trial.ask(SHARED, top_k=3)),
        }
        ensure(len(counts) == 1, "the answer in the second loop is another")
