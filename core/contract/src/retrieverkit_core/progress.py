"""How far long work has come, told to whoever asked: in the same context, and in the threads that work for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TypeVar

T = TypeVar("T")

Listener = Callable[[str, int, int], None]
"""Is told what is worked on, how many items of it are done, and how many there are. Must not raise."""

Spans = Callable[[str, bool], None]
"""Is told what work begins (True) or ends (False); the same work may begin in several threads. Must not raise."""

_SECONDS = 0.1
_listener: ContextVar[Listener | None] = ContextVar("retrieverkit_progress", default=None)
_spans: ContextVar[Spans | None] = ContextVar("retrieverkit_progress_spans", default=None)


@contextmanager
def told_to(listener: Listener, spans: Spans | None = None) -> Iterator[None]:
    """Tell who listens of the work that the block does.

    Args:
        listener: Is told of items that are done, at most ten times a second and at the end.
        spans: Is told when work begins and ends; what is done behind the last item belongs to it.
    """
    token, of_spans = _listener.set(listener), _spans.set(spans)
    try:
        yield
    finally:
        _listener.reset(token)
        _spans.reset(of_spans)


@contextmanager
def during(what: str) -> Iterator[None]:
    """Tell whoever asked that the block works on ``what``."""
    spans = _spans.get()
    if spans is None:
        yield
        return
    spans(what, True)
    try:
        yield
    finally:
        spans(what, False)


def counted(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Return an iterator over ``items`` that tells how many of ``total`` were taken."""
    listener = _listener.get()
    return iter(items) if listener is None else _counted(items, what, total, listener)


def _counted(items: Iterable[T], what: str, total: int, listener: Listener) -> Iterator[T]:
    due = 0.0
    done = 0
    for item in items:
        if monotonic() >= due:
            listener(what, done, total)
            due = monotonic() + _SECONDS
        yield item
        done += 1
    listener(what, done, total)
