"""Reading much memory at once with several threads: one alone does not use all that the memory gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from itertools import pairwise
from typing import TypeVar

from retrieverkit_core.errors import OverloadedError
from retrieverkit_core.threads import WORKERS

T = TypeVar("T")

MOST_PARTS = 4
BYTES_OF_A_PART = 7 << 20
"""Reading so much takes several times as long as handing it to another thread."""


def parts_of(rows: int, bytes_of_a_row: int) -> list[slice]:
    """Return the stretches of rows that it is worth to read side by side; one where it is not worth it."""
    count = max(1, min(rows * bytes_of_a_row // BYTES_OF_A_PART, MOST_PARTS, _processors()))
    edges = [rows * at // count for at in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]


def each(function: Callable[[int], T], count: int) -> list[T]:
    """Return ``function(0)`` to ``function(count - 1)``, which are computed side by side where threads are free.

    Args:
        function: Lets go of the interpreter while it computes.
        count: How many results are wanted, at least one.
    """
    helpers = _started(function, count)
    results = [function(0)]
    for at in range(1, count):
        waiting = at > len(helpers) or helpers[at - 1].cancel()
        results.append(function(at) if waiting else helpers[at - 1].result())
    return results


def _started(function: Callable[[int], T], count: int) -> list[Future[T]]:
    """Hand all results but the first to other threads, unless other calls keep the processors busy already."""
    helpers: list[Future[T]] = []
    try:
        if count > 1 and WORKERS.busy < _processors():
            helpers.extend(WORKERS.submit(function, at) for at in range(1, count))
    except OverloadedError:  # all threads hang in something else
        pass
    return helpers


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
