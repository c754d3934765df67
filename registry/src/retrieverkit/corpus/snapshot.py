"""One consistent view of the corpus: a read transaction on a connection of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from retrieverkit.corpus.connections import Connections, CorpusConnection
from retrieverkit.corpus.faults import typed_error
from retrieverkit.corpus.rows import ADDED, REMOVED, node_from_row
from retrieverkit.corpus.statements import CHAIN_AT, SELECT_NODES
from retrieverkit.corpus.stored import REMOVED_SINCE, content_of, cursor_of, head_of
from retrieverkit_core.corpus import Cursor, StoredNode
from retrieverkit_core.errors import CorpusError

T = TypeVar("T")

_NODES = f"{SELECT_NODES} WHERE ordinal > ? ORDER BY ordinal"
_LAST_ADDED = "SELECT ordinal FROM log WHERE seq <= ? AND op = ? ORDER BY seq DESC LIMIT 1"


@contextmanager
def view(connections: Connections) -> Iterator[CorpusConnection]:
    """Yield a connection inside a read transaction; typed errors come out of it."""
    try:
        connection = connections.take()
        try:
            with connection.busy:
                connection.execute("BEGIN")
            yield connection
            with connection.busy:
                connection.execute("COMMIT")
        except BaseException:
            connections.discard(connection)
            raise
        connections.give(connection)
    except sqlite3.Error as error:
        raise typed_error(error, connections.path) from error


class Snapshot:
    """A consistent view, for one thread at a time; implements `CorpusSnapshot`.

    Args:
        connections: Where the connection comes from.
        connection: A connection inside a read transaction.
        corpus_id: The corpus's id.
    """

    def __init__(self, connections: Connections, connection: CorpusConnection, corpus_id: str) -> None:
        self._connections = connections
        self._connection = connection
        self._open_cursors: list[sqlite3.Cursor] = []
        self._closed = False
        self._cursor = head_of(connection, corpus_id)

    @property
    def cursor(self) -> Cursor:
        """The place in the log that this view shows."""
        return self._cursor

    def count(self) -> int:
        """Return the number of nodes."""
        return next(self._stream("SELECT count(*) FROM nodes", (), lambda row: int(row[0])))

    def nodes(self) -> Iterator[StoredNode]:
        """Yield every node by ascending ordinal."""
        return self._stream(_NODES, (0,), self._stored_node)

    def added(self, since: Cursor) -> Iterator[StoredNode]:
        """Yield, by ascending ordinal, the nodes of this view that were added after ``since``.

        Raises:
            CorpusError: ``since`` is not a place in the history of this view.
        """
        self._require(since)
        last = next(self._stream(_LAST_ADDED, (since.seq, ADDED), lambda row: int(row[0])), 0)
        return self._stream(_NODES, (last,), self._stored_node)

    def removed(self, since: Cursor) -> Iterator[int]:
        """Yield the ordinals of nodes removed after ``since``; some may have been added after it too.

        Raises:
            CorpusError: ``since`` is not a place in the history of this view.
        """
        self._require(since)
        return self._stream(REMOVED_SINCE, (since.seq, REMOVED), lambda row: int(row[0]))

    def close(self) -> None:
        """End the view: what still iterates over it gets an error, never rows of another time."""
        self._closed = True
        for cursor in self._open_cursors:
            cursor.close()

    def _require(self, since: Cursor) -> None:
        if since.seq == 0:
            held = since == cursor_of(None, self._cursor.corpus_id)
        elif since.corpus_id != self._cursor.corpus_id or since.seq > self._cursor.seq:
            held = False
        else:
            chains = self._stream(CHAIN_AT, (since.seq,), lambda row: str(row[0].hex()))
            held = next(chains, None) == since.chain
        if not held:
            raise CorpusError(
                f"change {since.seq} of corpus {since.corpus_id} is not a place in the history of this snapshot",
                fix="build what was derived from it anew, from all nodes",
            )

    def _stored_node(self, row: Sequence[Any]) -> StoredNode:
        return StoredNode(row[0], node_from_row(content_of(self._connection, row)))

    def _stream(self, query: str, values: Sequence[Any], convert: Callable[[Any], T]) -> Iterator[T]:
        self._check_open()
        try:
            with self._connection.busy:
                rows = self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise typed_error(error, self._connections.path) from error
        self._open_cursors.append(rows)
        return self._converted(rows, convert)

    def _converted(self, rows: sqlite3.Cursor, convert: Callable[[Any], T]) -> Iterator[T]:
        while True:
            self._check_open()
            try:
                with self._connection.busy:
                    row = rows.fetchone()
                    item = None if row is None else convert(row)
            except (sqlite3.Error, ValueError, TypeError) as error:
                self._check_open()
                raise typed_error(error, self._connections.path) from error
            if item is None:
                rows.close()
                self._open_cursors.remove(rows)
                return
            yield item

    def _check_open(self) -> None:
        if self._closed or self._connections.abandoned:
            raise CorpusError(
                "the snapshot is closed", fix="read it inside its with block, in the process it was opened in"
            )
