"""Worker threads for code that blocks: kept for reuse, never waited for at exit, and safe to abandon.

The standard library's pool joins its threads at interpreter exit and queues behind hung ones; a retriever that never
returns would hang the program, or starve the next call.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from retrieverkit_core import deadline
from retrieverkit_core.errors import OverloadedError

if TYPE_CHECKING:
    import asyncio  # it takes as long to import as three hundred searches: who never awaits does without

P = ParamSpec("P")
T = TypeVar("T")

MAX_THREADS = 512
"""How many worker threads may be busy at once; calls that were abandoned count until they end."""

_IDLE_SECONDS = 5.0

_Job = tuple["Future[Any]", Callable[[], Any]]


class _Worker(threading.Thread):
    def __init__(self, pool: WorkerThreads) -> None:
        super().__init__(name="retrieverkit-worker", daemon=True)
        self._pool = pool
        self.jobs: SimpleQueue[_Job] = SimpleQueue()

    def run(self) -> None:
        while True:
            try:
                future, call = self.jobs.get(timeout=_IDLE_SECONDS)
            except Empty:
                if self._pool.retire(self):
                    return
                continue
            _run_job(future, call)
            del future, call
            self._pool.rest(self)


def _run_job(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except StopIteration as error:  # a future that is awaited cannot hold one: its awaiter would never wake
        instead = RuntimeError("the call raised StopIteration")
        instead.__cause__ = error
        future.set_exception(instead)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class WorkerThreads:
    """A pool of daemon threads that grows as calls hang and shrinks as they end."""

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._idle: deque[_Worker] = deque()
        self._count = 0

    @property
    def busy(self) -> int:
        """How many calls are running now, abandoned ones included."""
        return self._count - len(self._idle)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``function`` in a worker thread, with the caller's context variables.

        Raises:
            OverloadedError: Too many calls are running, most of them abandoned after their deadline.
        """
        context = copy_context()
        future: Future[T] = Future()
        self._worker().jobs.put((future, lambda: context.run(function, *args, **kwargs)))
        return future

    def _worker(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._count >= self._limit:
                raise OverloadedError(
                    f"{self._count} calls are running in worker threads, most of them past their deadline",
                    fix="find the retriever that hangs; 'legs' on partial results names it",
                )
            self._count += 1
        worker = _Worker(self)
        try:
            worker.start()
        except BaseException:
            with self._lock:
                self._count -= 1
            raise
        return worker

    def rest(self, worker: _Worker) -> None:
        """Take a worker back that has ended its job."""
        with self._lock:
            self._idle.append(worker)

    def retire(self, worker: _Worker) -> bool:
        """Let an idle worker go, unless it has just been given a job."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._count -= 1
            return True

    def forget(self) -> None:
        """Drop every thread without touching it: none of them exists in a forked child."""
        self._lock = threading.Lock()
        self._idle = deque()
        self._count = 0


WORKERS = WorkerThreads()


def cancellation() -> tuple[type[BaseException], ...]:
    """Return what a cancelled task raises, for ``except``; nothing as long as nobody has imported asyncio."""
    raised = getattr(sys.modules.get("asyncio.exceptions"), "CancelledError", None)
    return () if raised is None else (raised,)


class _Portal:
    """An event loop in a thread of its own, for async code that is called from sync code."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="retrieverkit-loop", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def run(self, coroutine_function: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine to its end; an interrupt of the caller, and the caller's deadline, cancel it."""
        context = copy_context()
        context.run(_in_portal.set, True)
        future: Future[Any] = Future()
        task: asyncio.Task[None] | None = None

        def start() -> None:
            nonlocal task
            task = self._loop.create_task(_settle(coroutine_function, future), context=context)

        def stop() -> None:
            if task is not None:
                task.cancel()

        self._loop.call_soon_threadsafe(start)
        try:
            return future.result(timeout=deadline.remaining())
        except BaseException:
            if not future.done():
                self._loop.call_soon_threadsafe(stop)  # behind `start`, even where that has not run yet
            raise


async def _settle(coroutine_function: Callable[[], Awaitable[Any]], future: Future[Any]) -> None:
    """Put what a coroutine gives into ``future``; what would end the loop, such as SystemExit, too."""
    import asyncio

    try:
        future.set_result(await coroutine_function())
    except asyncio.CancelledError:
        future.cancel()
        raise
    except BaseException as error:
        future.set_exception(error)


_portal: _Portal | None = None
_portal_lock = threading.Lock()
_in_portal: ContextVar[bool] = ContextVar("retrieverkit_in_portal", default=False)


def run_coroutine(coroutine_function: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine from sync code, also inside a running loop or a notebook.

    All such calls share one loop, so that a client with open connections can be used again. Calls made on the way
    (async code that calls sync code that calls async code) run in loops of their own, as the shared one waits for them.

    Raises:
        TimeoutError: The caller's deadline passed; the coroutine is cancelled.
    """
    global _portal
    if _in_portal.get():
        return WORKERS.submit(_run_alone, coroutine_function).result(timeout=deadline.remaining())
    with _portal_lock:
        if _portal is None or not _portal.alive:
            _portal = _Portal()
        portal = _portal
    return portal.run(coroutine_function)


def _run_alone(coroutine_function: Callable[[], Awaitable[Any]]) -> Any:
    import asyncio

    async def limited() -> Any:
        async with asyncio.timeout(deadline.remaining()):
            return await coroutine_function()

    return asyncio.run(limited())


async def gathered(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Await all; when one fails or the caller is cancelled, cancel the others before going on."""
    import asyncio

    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def offload(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking code in a worker thread and await it; a cancelled caller does not wait for the thread."""
    import asyncio

    return await asyncio.wrap_future(WORKERS.submit(function, *args, **kwargs))


def _after_fork() -> None:
    global _portal, _portal_lock
    _portal = None
    _portal_lock = threading.Lock()
    WORKERS.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
