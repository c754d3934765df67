"""From one state of an index to the next, wherever it is kept: in files, in a database, on a server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from retrieverkit_core.corpus import Corpus, CorpusSnapshot, StoredNode
from retrieverkit_core.errors import RetrieverKitError, shorten
from retrieverkit_core.progress import counted
from retrieverkit_indexing.derived._applied import Applied, Kind, Misfit, RebuildRequired
from retrieverkit_indexing.derived._faults import is_full

S_co = TypeVar("S_co", covariant=True)
S = TypeVar("S")

REBUILD_SHARE = 0.5
"""More changes than this share of the corpus's nodes are not applied; the index is built again."""

_log = logging.getLogger("retrieverkit_indexing.derived")


class Store(Protocol[S_co]):
    """Where one index is kept. Only one caller at a time catches it up: whoever calls holds a lock for that.

    `update` and `build` change what is stored and what it says of itself together, or not at all: a process may be
    killed at any moment.
    """

    def applied(self) -> Applied | None:
        """Return what is stored says of itself, or None where nothing is stored.

        Raises:
            Misfit: Something is stored that cannot be used.
        """
        ...

    def verify(self) -> None:
        """Compare what is stored with what was written, as far as that is done before each use.

        Raises:
            Misfit: It is damaged.
        """
        ...

    def update(self, removed: Sequence[int], added: Iterator[StoredNode], applied: Applied) -> None:
        """Apply changes to what is stored.

        Args:
            removed: Ordinals of nodes that are gone, ascending. The index may never have seen some of them.
            added: New nodes by ascending ordinal.
            applied: What is stored says of itself afterwards.

        Raises:
            RebuildRequired: The changes cannot be applied, or not as cheaply as all is built again.
        """
        ...

    def build(self, nodes: Iterator[StoredNode], applied: Applied) -> None:
        """Put an index of all nodes in the place of what is stored, if anything is.

        Args:
            nodes: Every node of the corpus by ascending ordinal.
            applied: What is stored says of itself afterwards.
        """
        ...

    def serve(self) -> S_co:
        """Return what answers from what is stored."""
        ...


def catch_up(corpus: Corpus, kind: Kind, store: Store[S], *, rebuild_share: float = REBUILD_SHARE) -> S:
    """Bring what is stored up to date, or build it where nothing is stored that fits.

    Args:
        corpus: What the index follows.
        kind: What index it is.
        store: Where it is kept.
        rebuild_share: More changes than this share of the corpus's nodes are not applied; the index is built again.

    Returns:
        What answers from a state that has applied every change committed before the call.
    """
    reason = ""
    try:
        held = store.applied()
        if held is not None:
            held.check_fit(kind, corpus)
            store.verify()
            served = _advanced(corpus, kind, store, held, rebuild_share)
            if served is not None:
                return served
    except Misfit as misfit:
        reason = str(misfit)
    return build_again(corpus, kind, store, reason)


def build_again(corpus: Corpus, kind: Kind, store: Store[S], reason: str) -> S:
    """Build an index of all nodes, whatever is stored.

    Args:
        corpus: What the index follows.
        kind: What index it is.
        store: Where it is kept.
        reason: What was wrong with what is stored, if anything was, for the log and the status.

    Returns:
        What answers from it.
    """
    rebuilds, last_reason = _rebuilds_so_far(store)
    if reason:
        rebuilds, last_reason = rebuilds + 1, reason
        _log.warning("index %s is rebuilt: %s", kind.name, reason)
    with corpus.snapshot() as view:
        nodes = counted(view.nodes(), kind.name, view.count())
        store.build(nodes, Applied(kind, view.cursor, view.count(), rebuilds, last_reason))
    return store.serve()


def _advanced(corpus: Corpus, kind: Kind, store: Store[S], held: Applied, rebuild_share: float) -> S | None:
    """Apply what has changed; None if all is to be built again as a matter of course."""
    try:
        with corpus.snapshot() as view:
            if view.cursor != held.cursor:
                _update(view, kind, store.update, held, rebuild_share)
        return store.serve()
    except RebuildRequired as required:
        _log.info("index %s is built again: %s", kind.name, required)
        return None
    except (RetrieverKitError, FileNotFoundError, Misfit):
        raise
    except Exception as error:
        if is_full(error):
            raise
        _log.warning("index %s could not be brought up to date", kind.name, exc_info=True)
        raise Misfit(f"bringing it up to date failed ({shorten(repr(error))})") from error


def _update(
    view: CorpusSnapshot,
    kind: Kind,
    update: Callable[[Sequence[int], Iterator[StoredNode], Applied], None],
    held: Applied,
    rebuild_share: float,
) -> None:
    removed = sorted(set(view.removed(held.cursor)))
    added_at_most = view.count() - held.nodes + len(removed)
    if len(removed) + added_at_most > rebuild_share * view.count():
        raise RebuildRequired("too much of the corpus has changed")
    added = counted(view.added(held.cursor), kind.name, added_at_most)
    update(removed, added, Applied(kind, view.cursor, view.count(), held.rebuilds, held.rebuild_reason))


def _rebuilds_so_far(store: Store[S]) -> tuple[int, str]:
    try:
        held = store.applied()
    except Misfit:
        return 0, ""
    return (held.rebuilds, held.rebuild_reason) if held else (0, "")
