"""The protocol between a corpus and what is derived from it.

A corpus is the single source of truth. Each node it holds has an *ordinal*: a positive integer that only grows and is
never used again, not even when the same node is replaced. Every change is appended to a log. A *cursor* names a place
in that log so that it can be recognised: a bare number would silently skip nodes after a roll-back or a restored copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, runtime_checkable

from retrieverkit_core.nodes import Node


class Cursor(NamedTuple):
    """A place in a corpus's change log.

    Attributes:
        corpus_id: The random id that the corpus was created with.
        seq: The number of the last change before this place; 0 is the beginning.
        chain: Hex hash over all changes up to and including ``seq``.
    """

    corpus_id: str
    seq: int
    chain: str


class StoredNode(NamedTuple):
    """A node with its ordinal in the corpus."""

    ordinal: int
    node: Node


class CorpusSnapshot(Protocol):
    """One consistent view of a corpus, unmoved by later writes."""

    @property
    def cursor(self) -> Cursor:
        """The place in the log that this view shows."""
        ...

    def count(self) -> int:
        """Return the number of nodes."""
        ...

    def nodes(self) -> Iterator[StoredNode]:
        """Yield every node by ascending ordinal."""
        ...

    def added(self, since: Cursor) -> Iterator[StoredNode]:
        """Yield, by ascending ordinal, the nodes of this view that were added after ``since``."""
        ...

    def removed(self, since: Cursor) -> Iterator[int]:
        """Yield the ordinals of nodes removed after ``since``; some may have been added after it too."""
        ...


@runtime_checkable
class Corpus(Protocol):
    """A store of nodes that modes derive their indexes from. Safe to use from many threads."""

    @property
    def corpus_id(self) -> str:
        """The random id that the corpus was created with."""
        ...

    def head(self) -> Cursor:
        """Return the place behind the last committed change. Cheap enough to call on every query."""
        ...

    def holds(self, cursor: Cursor) -> bool:
        """Return whether ``cursor`` is a place in this corpus's own history."""
        ...

    def snapshot(self) -> AbstractContextManager[CorpusSnapshot]:
        """Open a consistent view."""
        ...

    def fetch(self, ordinals: Sequence[int]) -> list[Node | None]:
        """Return the node at each ordinal in the order asked, None where it has been removed."""
        ...

    def get(self, node_ids: Sequence[str]) -> list[Node | None]:
        """Return the node with each id in the order asked, None where there is none."""
        ...

    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the kinds of value (see `filters.values.kind_of`) that each metadata field holds."""
        ...
