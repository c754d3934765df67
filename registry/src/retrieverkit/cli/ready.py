"""Bringing the derived indexes of the default mode up to date, so that the next search is quick."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.progress import LongWork

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index

_ANY_WORD = "retrieve"


def made_ready(index: Index) -> list[str]:
    """Catch the default mode up with the corpus without a word, and return what failed."""
    from retrieverkit.cli.hits import failed_legs
    from retrieverkit_core.observers import Observers

    if not len(index):
        return []
    return list(failed_legs(index.as_retriever(hooks=Observers.of()).retrieve(_ANY_WORD).legs))


def make_ready(index: Index, screen: Screen) -> dict[str, Any] | None:
    """Catch the default mode up with the corpus.

    Args:
        index: The index.
        screen: Where to show progress.

    Returns:
        ``mode``, ``note`` on why this mode, ``seconds``, and what ``failed`` (it is said on the screen too); None where
        there is nothing to search. Where no default mode is installed ``mode`` is None, and nothing was done.

    Raises:
        RetrieverKitError: The mode cannot be used.
    """
    from retrieverkit.building import has_default_mode
    from retrieverkit.cli.hits import failed_legs
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.observers import Observers

    if not len(index):
        return None
    if not has_default_mode(shared_discovery()):
        note = "the default modes are not installed; the first search makes what its mode needs"
        return {"mode": None, "note": note, "seconds": 0.0, "failed": []}
    with LongWork(screen) as work:
        # Modes catch up when they are asked, so one is asked; no observer is told of a query that nobody made.
        retriever = index.as_retriever(hooks=Observers.of())
        work.stage(f"indexing for {retriever.name}")
        begin = perf_counter()
        try:
            result = retriever.retrieve(_ANY_WORD)
        except KeyboardInterrupt:
            screen.say("every file is in; the next search makes what it needs of them")
            raise
    seconds, failed = round(perf_counter() - begin, 3), list(failed_legs(result.legs))
    for told in failed:
        screen.say(("warning: ", "bold yellow"), told)
    return {"mode": retriever.name, "note": ", ".join(result.notes), "seconds": seconds, "failed": failed}
