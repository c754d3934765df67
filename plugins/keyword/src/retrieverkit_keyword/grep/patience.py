"""Doing what may take for ever until a moment on the clock."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, process_time
from typing import TypeVar

T = TypeVar("T")

FIRST = 0.05
"""Seconds of the processor that the first attempt gets; nearly everything needs less."""
_GROWTH = 4


def patiently(until: float, work: Callable[[float], T]) -> T:
    """Return what ``work`` returns, given enough time.

    The engine of regular expressions counts the time of the processor, of all threads of the process. On a busy machine
    that is much less than the time on the clock, among busy threads much more. So what ran out of it is done again,
    with more, as long as there is time on the clock.

    Args:
        until: When to give up, on the clock `time.monotonic`.
        work: Is given seconds of the processor, and raises TimeoutError when they are over.

    Raises:
        TimeoutError: It is given up.
    """
    allowed, share = FIRST, 1.0
    while True:
        started, used = monotonic(), process_time()
        if started >= until:
            raise TimeoutError
        try:
            return work(min(allowed, max((until - started) * share, 0.001)))
        except TimeoutError:
            share = (process_time() - used) / max(monotonic() - started, 1e-6)
            allowed *= _GROWTH
