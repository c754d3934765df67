"""Nodes that were read lately, so that a node which is found again and again is read and checked once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from retrieverkit.corpus.connections import CorpusConnection
from retrieverkit.corpus.rows import REMOVED, late_floats, node_from_row
from retrieverkit.corpus.stored import BY_ORDINALS, REMOVED_SINCE, chain_at, content_of, known_head
from retrieverkit_core.corpus import Cursor
from retrieverkit_core.nodes import Node

CACHED_BYTES = 32 * 1024 * 1024
"""About how much memory the nodes of one corpus may take."""

_OVERHEAD = 800
"""Bytes of a node beside its text and metadata: two dicts, a tuple, its place in the cache."""

_WORTH_FOLLOWING = 10_000
"""Changes since the last look from which on the cache is emptied instead of brought up to date."""

_Vector = Callable[[], list[float]] | None

_Plain = tuple[str, str, dict[str, Any], dict[Any, Any], int | None, int | None, _Vector, int]
"""What most nodes are: text, id, metadata without lists and objects in it, relationships, offsets, what makes the
vector; and the size."""


class _Row(NamedTuple):
    """What is stored of a node, as it is kept when it is read first."""

    content: Sequence[Any]
    size: int


_Entry = _Plain | _Row


class _State(NamedTuple):
    """Nodes that are all there at one head. A node moves from ``old`` to ``young`` when it is read again."""

    head: Cursor
    young: dict[int, _Entry]
    old: dict[int, _Entry]


class NodeCache:
    """The nodes of one open corpus file. Safe to use from many threads.

    An ordinal is never used twice, so what was read stays true until the log says that it was removed. Each caller
    gets nodes of its own.

    Args:
        corpus_id: The corpus's id.
        limit: About how many bytes the nodes may take.
    """

    def __init__(self, corpus_id: str, limit: int = CACHED_BYTES) -> None:
        self._corpus_id = corpus_id
        self._limit = limit
        self._lock = threading.Lock()
        self._state: _State | None = None
        self._size = 0

    def fetch(self, connection: CorpusConnection, ordinals: Sequence[int]) -> list[Node | None]:
        """Return the node at each ordinal, None where it has been removed.

        Raises:
            ValueError: A node is not what was written.
        """
        head = known_head(connection, self._corpus_id)
        state = self._state
        if state is None or state.head != head:
            state = self._at(connection, head)
        young, old = state.young, state.old
        found: list[Node | None] = []
        missing: list[int] = []
        for ordinal in ordinals:
            entry = young.get(ordinal)
            if entry is None:
                entry = old.get(ordinal)
                if entry is None:
                    missing.append(ordinal)
                    found.append(None)
                    continue
                self._keep(state, ordinal, entry)
            if isinstance(entry, _Row):
                found.append(self._decode(state, ordinal, entry))
            else:
                text, node_id, metadata, related, start, end, vector, _ = entry
                found.append(Node.read(text, node_id, metadata.copy(), related.copy(), start, end, vector))
        if not missing:
            return found
        read = self._read(connection, missing)
        if known_head(connection, self._corpus_id) != head:  # what was found and what was read are of two moments
            return self._of_one_moment(connection, ordinals)
        for ordinal, (_, entry) in read.items():
            self._keep(state, ordinal, entry)
        return [
            read[ordinal][0] if node is None and ordinal in read else node
            for ordinal, node in zip(ordinals, found, strict=True)
        ]

    def _of_one_moment(self, connection: CorpusConnection, ordinals: Sequence[int]) -> list[Node | None]:
        connection.execute("BEGIN")
        read = self._read(connection, ordinals)
        connection.execute("COMMIT")
        return [read[ordinal][0] if ordinal in read else None for ordinal in ordinals]

    def _read(self, connection: CorpusConnection, ordinals: Sequence[int]) -> dict[int, tuple[Node, _Row]]:
        read: dict[int, tuple[Node, _Row]] = {}
        for query, values in BY_ORDINALS.batches(ordinals):
            for row in connection.execute(query, values):
                content = content_of(connection, row)
                read[row[0]] = node_from_row(content), _Row(content, _size(content))
        return read

    def _decode(self, state: _State, ordinal: int, entry: _Row) -> Node:
        node = node_from_row(entry.content)
        plain = _plain(node, entry)
        if plain is not None:
            with self._lock:
                if self._state is state and ordinal in state.young:
                    state.young[ordinal] = plain
        return node

    def _at(self, connection: CorpusConnection, head: Cursor) -> _State:
        """Return what is there at ``head``: what was there before, without what was removed since."""
        with self._lock:
            state = self._state
            if state is not None and state.head == head:
                return state
            if state is None or not self._is_followed_by(connection, state.head, head):
                self._state, self._size = _State(head, {}, {}), 0
            elif head.seq < state.head.seq:  # another thread has seen a later head
                return _State(head, {}, {})
            else:
                for (ordinal,) in connection.execute(REMOVED_SINCE, (state.head.seq, REMOVED)):
                    state.young.pop(ordinal, None)
                    state.old.pop(ordinal, None)
                self._state = _State(head, state.young, state.old)
            return self._state

    def _is_followed_by(self, connection: CorpusConnection, since: Cursor, head: Cursor) -> bool:
        """Return whether both are of one history, and near enough to each other."""
        if since.seq == 0 or head.seq > since.seq + _WORTH_FOLLOWING:
            return False
        return chain_at(connection, since.seq) == since.chain

    def _keep(self, state: _State, ordinal: int, entry: _Entry) -> None:
        size = entry[-1]
        with self._lock:
            if self._state is not state or size > self._limit // 8 or ordinal in state.young:
                return
            state.young[ordinal] = entry
            self._size += size
            if self._size > self._limit // 2:
                self._state, self._size = _State(state.head, {}, state.young), 0


def _size(content: Sequence[Any]) -> int:
    _, metadata, related, *_, text, embedding = content
    return _OVERHEAD + sys.getsizeof(text) + 4 * len(metadata) + 4 * len(related or "") + len(embedding or b"")


def _plain(node: Node, row: _Row) -> _Plain | None:
    """Return a node's parts, None where copying them would not be enough for a node of its own."""
    metadata, related = node.metadata, node.relationships
    *_, excluded, _, _, _, _, embedding = row.content
    if (
        type(node) is not Node
        or excluded
        or any(type(value) is list or type(value) is dict for value in metadata.values())
        or any(type(value) is list for value in related.values())
    ):
        return None
    vector = None if embedding is None else late_floats(embedding)
    offsets = node.start_char_idx, node.end_char_idx
    return node.text, node.id, metadata.copy(), related.copy(), *offsets, vector, row.size
