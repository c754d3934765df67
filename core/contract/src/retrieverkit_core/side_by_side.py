"""Running calls side by side, in threads or in an event loop, at most this many at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import as_completed

from retrieverkit_core.threads import WORKERS, gathered


def in_threads(calls: Sequence[Callable[[], object]], limit: int, *, may_raise: bool = False) -> None:
    """Make all calls and return when they have ended, or raise what one raises; then no further one is begun.

    The caller's thread takes part, so that quick calls never wait for another thread to wake.

    Args:
        calls: What to call.
        limit: At most this many run at once.
        may_raise: Keep the caller's thread free to raise at once what one call raises while others go on.
    """
    waiting = deque(calls)

    def work() -> None:
        try:
            while waiting:
                try:
                    call = waiting.popleft()
                except IndexError:  # another thread was quicker
                    return
                call()
        except BaseException:
            waiting.clear()
            raise

    waits = may_raise and len(calls) > 1
    helpers = [WORKERS.submit(work) for _ in range(min(limit, len(calls)) - (not waits))]
    try:
        if not waits:
            work()
            helpers = [helper for helper in helpers if not helper.cancel()]
        for helper in as_completed(helpers) if waits else helpers:
            helper.result()
    finally:
        waiting.clear()


async def in_tasks(calls: Sequence[Callable[[], Awaitable[object]]], limit: int) -> None:
    """Await all calls, or raise what one raises once the others are cancelled; so too when the caller is cancelled.

    Args:
        calls: What to call and await.
        limit: At most this many run at once.
    """
    if len(calls) == 1:
        await calls[0]()
        return
    waiting = deque(calls)

    async def work() -> None:
        while waiting:
            await waiting.popleft()()

    await gathered([work() for _ in range(min(limit, len(calls)))])
