"""What the stages of a retrieval did and lost, recorded by the code that does it: only when somebody asked.

A stage calls `reported` and `lost`; where nobody listens, both return at once. A listener is set for a block, is seen
in the threads that work for it, and hears of every leg on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Listener(Protocol):
    """Hears what stages say. Must not raise, and is called from several threads."""

    def reported(self, retriever: str, stage: str, facts: dict[str, Any]) -> None:
        """Take what a stage did.

        Args:
            retriever: The name of the leg.
            stage: The stage, such as ``"asked"`` or ``"cut"``.
            facts: Inert JSON, such as how many hits went in and came out.
        """
        ...

    def lost(self, retriever: str, stage: str, key: str | int, why: str) -> None:
        """Take what a stage lost.

        Args:
            retriever: The name of the leg.
            stage: The stage.
            key: The id of the node, or its ordinal where it was not read.
            why: Why it was lost.
        """
        ...


_listener: ContextVar[Listener | None] = ContextVar("retrieverkit_trace", default=None)


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear what the retrievals of the block do."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def listener() -> Listener | None:
    """Return who listens, or None: then a stage need not even gather what it would say."""
    return _listener.get()


def reported(retriever: str, stage: str, **facts: Any) -> None:
    """Say what a stage did."""
    if (hears := _listener.get()) is not None:
        hears.reported(retriever, stage, facts)


def lost(retriever: str, stage: str, key: str | int, why: str) -> None:
    """Say that a stage lost a node."""
    if (hears := _listener.get()) is not None:
        hears.lost(retriever, stage, key, why)
