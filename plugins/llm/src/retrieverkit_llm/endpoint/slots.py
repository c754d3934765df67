"""`Slots`: at most this many requests at once, whether threads or tasks of event loops make them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager

from retrieverkit_core.deadline import remaining


class Slots:
    """A semaphore for threads and tasks together, first come first served. None is no limit.

    No thread waits for a task that waits: a task's place in the queue takes no thread. A forked child begins with all
    slots free.
    """

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._free = self._count
        self._waiting: deque[Future[None]] = deque()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a slot and hold it during the block.

        Raises:
            TimeoutError: The caller's deadline passed before one was free.
        """
        turn = self._turn()
        try:
            turn.result(timeout=remaining())
        except BaseException:
            self._leave(turn)
            raise
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def aone(self) -> AsyncIterator[None]:
        """As `one`, without blocking the event loop."""
        turn = self._turn()
        try:
            if not turn.done():
                async with asyncio.timeout(remaining()):
                    await asyncio.wrap_future(turn)
        except BaseException:
            self._leave(turn)
            raise
        try:
            yield
        finally:
            self._release()

    def _turn(self) -> Future[None]:
        """Return what is done when the caller has a slot."""
        if self._pid != os.getpid():
            self._begin()
        turn: Future[None] = Future()
        with self._guard:
            if self._free is None or self._free > 0:
                self._free = None if self._free is None else self._free - 1
                turn.set_result(None)
            else:
                self._waiting.append(turn)
        return turn

    def _leave(self, turn: Future[None]) -> None:
        """Give up waiting; a slot that came too late goes on to the next."""
        if not turn.cancel():
            self._release()
            return
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def _release(self) -> None:
        while True:
            with self._guard:
                if self._free is None:
                    return
                if not self._waiting:
                    self._free += 1
                    return
                turn = self._waiting.popleft()
            if turn.set_running_or_notify_cancel():
                turn.set_result(None)
                return
