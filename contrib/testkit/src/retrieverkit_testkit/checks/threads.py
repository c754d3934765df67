"""Many callers at once."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import Scored, ensure_same, scored
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject

THREADS = 64


@contextmanager
def hurried() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@check(Capability.DETERMINISTIC)
def check_64_threads_get_their_own_answers(subject: Subject) -> None:
    """64 threads that ask one retriever at once each get the answer to their own query.

    To mend: keep nothing of a call on ``self``; put a lock around what must be shared, or make one a thread.
    """
    texts = [document.text for document in library()]
    with subject.shelf() as trial:
        expected = [trial.scored(text, top_k=4) for text in texts]
        start = threading.Barrier(THREADS)

        def ask(number: int) -> list[tuple[int, Scored]]:
            start.wait()
            turns = range(2 if subject.quick else 6)
            return [(at, trial.scored(texts[at], top_k=4)) for at in ((number + turn) % len(texts) for turn in turns)]

        with hurried(), ThreadPoolExecutor(THREADS) as pool:
            for answers in pool.map(ask, range(THREADS)):
                for at, found in answers:
                    ensure_same(found, expected[at], f"beside 63 other threads, {texts[at]!r}")


@check(Capability.DETERMINISTIC)
def check_the_first_call_may_come_from_many_threads(subject: Subject) -> None:
    """A retriever that was never asked may be asked by 16 threads at once.

    To mend: guard what is made on first use by a lock, and publish it only when it is complete.
    """
    with subject.shelf() as trial:
        expected = scored(trial.another(None).retrieve(QueryBundle(SHARED, top_k=20)))
        for _ in range(1 if subject.quick else 5):
            retriever = trial.another(None)
            start = threading.Barrier(16)

            def ask(_number: int, ask: Callable[[QueryBundle], list] = retriever.retrieve) -> Scored:  # type: ignore[type-arg]
                start.wait()  # noqa: B023 - the pool ends before the next round
                return scored(ask(QueryBundle(SHARED, top_k=20)))

            with hurried(), ThreadPoolExecutor(16) as pool:
                for found in pool.map(ask, range(16)):
                    ensure_same(found, expected, "one of the first calls")


@check(Capability.DETERMINISTIC)
def check_64_tasks_get_their_own_answers(subject: Subject) -> None:
    """64 tasks of one event loop that ask at once each get the answer to their own query.

    To mend: keep nothing of a call on ``self`` across an ``await``; context variables are kept for you.
    """
    texts = [document.text for document in library()]
    with subject.shelf() as trial:
        expected = [trial.scored(text, top_k=4) for text in texts]

        async def ask_all() -> list[Scored]:
            asked = [trial.retriever.aretrieve(QueryBundle(texts[n % len(texts)], top_k=4)) for n in range(THREADS)]
            return [scored(result) for result in await asyncio.gather(*asked)]

        for number, found in enumerate(asyncio.run(ask_all())):
            ensure_same(found, expected[number % len(texts)], f"beside 63 other tasks, task {number}")
