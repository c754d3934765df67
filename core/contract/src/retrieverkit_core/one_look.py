"""One look at each corpus for all that one question asks.

The legs of a composite each see to it that their index is as new as the corpus. Together they look at the corpus a
dozen times for one question; a look costs as much as a tenth of a small search. Within `one_look` a corpus is looked
at once: all legs answer for the state that it had after the question was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from retrieverkit_core.corpus import Cursor

_seen: ContextVar[one_look | None] = ContextVar("retrieverkit_one_look", default=None)


class one_look:
    """Run the block with one look at each corpus; a block within it takes another look of its own.

    What the block starts in other threads and tasks, with its context, shares it until the block ends; what lives
    longer then looks for itself. Who reads nodes looks again, so that what was removed meanwhile is found out.
    """

    __slots__ = ("_token", "known")

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, int, Cursor]] | None = None

    def __enter__(self) -> None:
        self.known = {}
        self._token = _seen.set(self)

    def __exit__(self, *exception: object) -> None:
        self.known = None
        _seen.reset(self._token)


def seen(corpus: object, writes: int, look: Callable[[], Cursor]) -> Cursor:
    """Return the place behind the last change of a corpus: what was seen in this block, else what ``look`` returns.

    Args:
        corpus: The corpus that is asked, for its ``head``.
        writes: How often this process has written to it: what the block itself has written, it sees.
        look: Looks.
    """
    block = _seen.get()
    if block is None or (known := block.known) is None:
        return look()
    entry = known.get(id(corpus))  # the entry holds the corpus: its id is nobody else's
    if entry is None or entry[1] != writes:
        entry = known[id(corpus)] = corpus, writes, look()
    return entry[2]


def look_again() -> None:
    """Forget what was seen in this block, as something newer was met on the way."""
    block = _seen.get()
    if block is not None and (known := block.known) is not None:
        known.clear()
