"""The caller's deadline, seen by everything that runs under it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

PUNCTUAL = 0.004
"""Waking so many seconds late is usual; later than that, something held the process up."""

HANDOVER = 0.02
"""Seconds that a composite has to hand over what its legs found."""

HANDOVERS = 10
"""How often it may have them, should the process be held up again and again."""

_deadline: ContextVar[float | None] = ContextVar("retrieverkit_deadline", default=None)


def remaining() -> float | None:
    """Return the seconds left before the caller's deadline (0.0 if it has passed), or None if there is none."""
    at = _deadline.get()
    return None if at is None else max(0.0, at - monotonic())


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Run the block under a deadline ``seconds`` from now, or an enclosing earlier one."""
    at = monotonic() + seconds
    enclosing = _deadline.get()
    token = _deadline.set(at if enclosing is None else min(at, enclosing))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def lifted() -> Iterator[None]:
    """Run the block without a deadline: what it makes is for every later caller, not for this one alone."""
    token = _deadline.set(None)
    try:
        yield
    finally:
        _deadline.reset(token)


class Patience:
    """How much longer a composite may take once its deadline has passed.

    Its legs are given up shortly before. Where the process was held up (by the garbage collector, or a leg that does
    not let go of the interpreter), both deadlines are noticed late and together, and the answer of the legs that were
    in time would be lost. So the composite has a moment to hand it over, in which the process is not held up.

    Args:
        at: The deadline, on the clock of the caller.
    """

    def __init__(self, at: float) -> None:
        self._planned = at
        self._left = HANDOVERS

    def more(self, now: float) -> float:
        """Return how many seconds to wait from ``now``, or 0.0 to give up."""
        first, late = self._left == HANDOVERS, now - self._planned
        if not self._left or (late < PUNCTUAL and not first):
            return 0.0
        self._left -= 1
        self._planned = now + HANDOVER
        return HANDOVER
