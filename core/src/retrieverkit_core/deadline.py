"""The caller's deadline, seen by everything that runs under it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

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
