"""The full check of a corpus: every byte of every row, and that documents, nodes, log and fields agree."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from retrieverkit.corpus.preparation import Field, document_hash
from retrieverkit.corpus.rows import ADDED, CONFIGURED, REMOVED, from_json, is_as_written, link, root_of_chain
from retrieverkit.corpus.settings import settings_hash, stored_settings
from retrieverkit_core.corpus import Problem
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.filters import fields_of

_NODES = """
SELECT ordinal, added_seq, nodes.hash, doc_id, node_id, nodes.metadata, relationships, nodes.excluded,
  start_char, end_char, index_id, nodes.text, embedding
FROM nodes LEFT JOIN documents USING (doc_key) ORDER BY ordinal
"""
_DOCUMENTS = """
SELECT doc_key, doc_id, hash, metadata, excluded, text,
  (SELECT text FROM nodes WHERE nodes.doc_key = documents.doc_key LIMIT 1) FROM documents ORDER BY doc_key
"""
_LOG = "SELECT seq, op, ordinal, hash, chain FROM log ORDER BY seq"
_HASHES = "SELECT hash FROM nodes WHERE doc_key = ? ORDER BY ordinal"
_Live = dict[int, tuple[int, bytes]]
"""Of each node that should be there, by ordinal: the change that added it, and its hash."""


class Verification:
    """A check of one consistent view.

    Args:
        connection: A connection inside a read transaction, with ``text_factory = bytes``: damaged text is no text.
        corpus_id: The corpus's id.
    """

    def __init__(self, connection: sqlite3.Connection, corpus_id: str) -> None:
        self._connection = connection
        self._corpus_id = corpus_id
        self._live: _Live = {}
        self._fields: Counter[Field] = Counter()
        self._configured: bytes | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield all that is wrong."""
        yield from self._guarded("file", self._file)
        yield from self._guarded("log", self._log)
        yield from self._guarded("meta", self._settings)
        yield from self._guarded("node", self._nodes)
        yield from self._guarded("document", self._documents)
        yield from self._guarded("fields", self._field_counts)

    def _guarded(self, where: str, check: Callable[[], Iterator[Problem]]) -> Iterator[Problem]:
        try:
            yield from check()
        except sqlite3.Error as error:
            yield Problem(where, "", f"cannot be read to its end: {error}")

    def _file(self) -> Iterator[Problem]:
        for (line,) in self._connection.execute("PRAGMA integrity_check"):
            if line != b"ok":
                yield Problem("file", "", line.decode(errors="replace"))
        for table, row, parent, _ in self._connection.execute("PRAGMA foreign_key_check"):
            yield Problem("file", "", f"row {row} of {table.decode()} refers to a row that {parent.decode()} lacks")

    def _log(self) -> Iterator[Problem]:
        chain, expected, last_ordinal = root_of_chain(self._corpus_id), 1, 0
        for seq, op, ordinal, hashed, stored in self._rows(_LOG):
            if seq != expected:
                yield Problem("log", f"change {expected}", f"is missing; the next is {seq}")
            expected = seq + 1
            try:
                chain = link(chain, op, ordinal, hashed)
            except Exception as error:
                yield Problem("log", f"change {seq}", f"cannot be read: {error}")
                return
            if chain != stored:
                yield Problem("log", f"change {seq}", "its hash does not fit the changes before it")
                chain = stored
            if op == ADDED and ordinal > last_ordinal:
                self._live[ordinal] = (seq, hashed)
                last_ordinal = ordinal
            elif op == CONFIGURED:
                self._configured = hashed
            elif op != REMOVED or self._live.pop(ordinal, (0, b""))[1] != hashed:
                yield Problem("log", f"change {seq}", f"operation {op} on ordinal {ordinal} cannot follow")
        yield from self._counters(expected - 1, last_ordinal)

    def _counters(self, last_seq: int, last_ordinal: int) -> Iterator[Problem]:
        counters = dict(self._connection.execute("SELECT name, seq FROM sqlite_sequence"))
        for table, last in ((b"log", last_seq), (b"nodes", last_ordinal)):
            if counters.get(table, 0) != last:
                yield Problem("log", "", f"the next number of {table.decode()} is not behind the last change")

    def _settings(self) -> Iterator[Problem]:
        self._connection.text_factory = str
        try:
            settings, _ = stored_settings(self._connection)
        except (ValueError, TypeError, ConfigError, UnicodeError) as error:
            yield Problem("meta", "settings", f"cannot be read: {error}")
            return
        finally:
            self._connection.text_factory = bytes
        if self._configured is not None and settings_hash(settings) != self._configured:
            yield Problem("meta", "settings", "are not what the log says")

    def _nodes(self) -> Iterator[Problem]:
        for ordinal, seq, hashed, doc_id, *row in self._rows(_NODES):
            what = _name(row[0], ordinal)
            if self._live.pop(ordinal, None) != (seq, hashed):
                yield Problem("node", what, "is not what the log says")
            if doc_id is not None and not is_as_written(hashed, row, partial(bytes, doc_id)):
                yield Problem("node", what, "its content was changed outside of RetrieverKit")
            try:
                self._fields.update(fields_of(from_json(row[1].decode())))
            except (ValueError, AttributeError) as error:
                yield Problem("node", what, f"its metadata cannot be read: {error}")
        for ordinal in self._live:
            yield Problem("node", f"ordinal {ordinal}", "is missing")

    def _documents(self) -> Iterator[Problem]:
        for key, doc_id, hashed, metadata, excluded, text, node_text in self._rows(_DOCUMENTS):
            nodes = [row[0] for row in self._connection.execute(_HASHES, (key,))]
            body = node_text if text is None else text
            try:
                fits = document_hash(doc_id, body, metadata, excluded, nodes) == hashed
            except Exception:
                fits = False
            if not fits:
                yield Problem("document", _name(doc_id, key), "its content was changed outside of RetrieverKit")

    def _field_counts(self) -> Iterator[Problem]:
        stored = {
            (key.decode(errors="replace"), kind.decode(errors="replace")): n
            for key, kind, n in self._connection.execute("SELECT key, kind, n FROM fields")
        }
        for key, kind in sorted(stored.keys() | self._fields.keys()):
            have, want = stored.get((key, kind), 0), self._fields[key, kind]
            if have != want:
                yield Problem("fields", f"{key!r} ({kind})", f"{have} nodes are counted, {want} have it")

    def _rows(self, query: str) -> Iterator[Any]:
        return iter(self._connection.execute(query))


def _name(item_id: object, number: int) -> str:
    shown = item_id.decode(errors="replace") if isinstance(item_id, bytes) else item_id
    return f"{shown!r} (number {number})"
