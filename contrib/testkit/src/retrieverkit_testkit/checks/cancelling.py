"""Calls that are given up."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from retrieverkit_core.errors import RetrievalError, RetrieverKitError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.asking import candidates
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED
from retrieverkit_testkit.queries_that_fail import Unreadable
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import CheckFailed, ensure

_PATIENCE = 30.0
"""Seconds within which a call ends that was given up, and what it left; so many as a machine may be busy otherwise."""

_MUCH_TIME = 600.0
_OURS = "retrieverkit-worker"
_ALLOWED = 2
_SETTLES_SOON = 0.3
_WHILE_POOLS_FILL = 3
"""So many rounds may leave something, as a pool of connections grows until it is full; what leaks goes on."""


@check()
def check_cancelling_ends_a_call(subject: Subject) -> None:
    """A cancelled ``aretrieve`` ends at once with CancelledError, and the next call is answered.

    To mend: never swallow CancelledError (``except BaseException``, a bare ``except``); after ``finally`` let it go.
    """
    with subject.shelf() as trial:
        expected = len(trial.ask(SHARED, top_k=5))
        asyncio.run(_cancel_many(trial.retriever, 20 if subject.quick else 100))
        ensure(len(trial.ask(SHARED, top_k=5)) == expected, "after cancelled calls the answer is another")


@check()
def check_cancelling_leaves_no_task(subject: Subject) -> None:
    """A cancelled or finished ``aretrieve`` leaves no task running.

    To mend: await, or cancel and await, every task that you start (``asyncio.TaskGroup`` does).
    """

    async def ask(retriever: BaseRetriever) -> None:
        await retriever.aretrieve(QueryBundle(SHARED, top_k=5))
        await _cancel_many(retriever, 20)
        limit = time.monotonic() + _PATIENCE
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            told = f"{len(left)} tasks are left, such as {next(iter(left)).get_coro()!r}"
            ensure(time.monotonic() < limit, told)
            await asyncio.sleep(0.01)

    with subject.shelf() as trial:
        asyncio.run(ask(trial.retriever))


@check()
def check_calls_leave_no_thread_and_no_file(subject: Subject) -> None:
    """Calls, cancelled ones too, leave neither threads nor open files behind.

    To mend: use one pool for all calls, or ``asyncio.to_thread``; open files in a ``with`` block.
    """

    def rounds(retriever: BaseRetriever) -> None:
        asyncio.run(_cancel_many(retriever, 20))
        for turn in range(10):
            for query in (
                QueryBundle(SHARED, top_k=5),
                QueryBundle(f"zzyzx{turn}", top_k=5),
                QueryBundle(SHARED, top_k=5, filters=MetadataFilters.parse("year > 3000")),
            ):
                retriever.retrieve(query)
            asyncio.run(retriever.aretrieve(QueryBundle(SHARED, top_k=5)))
            with suppress(RetrieverKitError, OSError):
                retriever.retrieve(Unreadable(SHARED, top_k=5))
            with suppress(Exception):
                candidates(retriever, "", top_k=5)

    with subject.shelf() as trial:
        rounds(trial.retriever)
        for _ in range(_WHILE_POOLS_FILL):
            with suppress(CheckFailed):
                _leaves_nothing(partial(rounds, trial.retriever), _SETTLES_SOON)
                return
        _leaves_nothing(partial(rounds, trial.retriever), _PATIENCE)


@check(Capability.DETERMINISTIC)
def check_a_deadline_is_never_a_silent_loss(subject: Subject) -> None:
    """With too little time a call raises, DeadlineExceededError for one, or is partial; it never just finds less.

    To mend: look at the time left (``retrieverkit_core.deadline``) to stop early only if you then raise, or report
    the leg as timed out.
    """
    with subject.shelf() as trial:
        expected = set(ids(trial.ask(SHARED, top_k=50)))
        ensure(
            set(ids(trial.ask(SHARED, top_k=50, timeout=_MUCH_TIME))) == expected, "a deadline of minutes loses hits"
        )
        for timeout in (1e-6, 1e-4, 1e-3, 5e-3):
            started = time.monotonic()
            try:
                result = trial.ask(SHARED, top_k=50, timeout=timeout)
            except RetrievalError:
                result = None
            ensure(time.monotonic() - started < _PATIENCE, f"a deadline of {timeout:g} s is kept by no means")
            whole = result is None or result.outcome is Outcome.PARTIAL or set(ids(result)) == expected
            ensure(whole, f"with a deadline of {timeout:g} s hits are missing, and nothing says so")
        ensure(set(ids(trial.ask(SHARED, top_k=50))) == expected, "after missed deadlines the answer is another")


async def _cancel_many(retriever: BaseRetriever, rounds: int) -> None:
    """Ask and cancel, later in each of some rounds; fail where a cancelled call goes on or ends otherwise."""
    for turn in range(rounds):
        task = asyncio.ensure_future(retriever.aretrieve(QueryBundle(SHARED, top_k=5)))
        for _ in range(turn % 4):
            await asyncio.sleep(0)
        if not task.cancel():
            continue
        await asyncio.wait({task}, timeout=_PATIENCE)
        ensure(task.done(), f"a cancelled call did not end within {_PATIENCE:g} s")
        ensure(task.cancelled(), "a cancelled call ended with something else than CancelledError")


def _leaves_nothing(calls: Callable[[], None], within: float) -> None:
    gc.collect()
    threads, files = _threads(), _open_files()
    calls()
    gc.collect()
    _settles(_threads, threads, within, "threads are left of 80 calls, of which some find nothing or fail")
    _settles(_open_files, files, within, "open files are left of 80 calls, of which some find nothing or fail")


def _settles(count: Callable[[], int], allowed: int, within: float, what: str) -> None:
    limit = time.monotonic() + within
    while count() > allowed + _ALLOWED:
        ensure(time.monotonic() < limit, f"{count() - allowed} {what}")
        gc.collect()
        time.sleep(0.02)


def _threads() -> int:
    return sum(not thread.name.startswith(_OURS) for thread in threading.enumerate())


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0
