"""One transaction that changes the corpus: documents, nodes, fields and log together."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from retrieverkit.corpus.preparation import Field, PreparedDocument, document_taken, former_hash, node_id_taken
from retrieverkit.corpus.rows import ADDED, CONFIGURED, REMOVED, from_json, link, root_of_chain
from retrieverkit.corpus.settings import (
    detected_note,
    other_language_note,
    put_settings,
    settings_hash,
    stored_settings,
)
from retrieverkit.corpus.statements import HEAD, SOURCES_BY_ID, ByValues, is_storable
from retrieverkit.corpus.stored import cursor_of
from retrieverkit_core.corpus import ChangeReport, Cursor, IndexSettings
from retrieverkit_core.errors import CorpusBusyError, InvalidDocumentError
from retrieverkit_core.filters import fields_of

_DOCUMENTS_BY_ID = ByValues.of("SELECT doc_id, doc_key, hash FROM documents WHERE doc_id IN")
_NODES_OF_DOCUMENT = "SELECT ordinal, hash, metadata FROM nodes WHERE doc_key = ? ORDER BY ordinal"
_OWNERS = ByValues.of("SELECT node_id, doc_id FROM nodes JOIN documents USING (doc_key) WHERE node_id IN")
_LAST_ORDINAL = "SELECT seq FROM sqlite_sequence WHERE name = 'nodes'"
_LAST_DOCUMENT = "SELECT max(doc_key) FROM documents"
_INSERT_DOCUMENT = "INSERT INTO documents (doc_key, doc_id, hash, metadata, excluded, text) VALUES (?, ?, ?, ?, ?, ?)"
_UPDATE_DOCUMENT = "UPDATE documents SET hash = ?, metadata = ?, excluded = ?, text = ? WHERE doc_key = ?"
_INSERT_NODE = """
INSERT INTO nodes (node_id, metadata, relationships, excluded, start_char, end_char, index_id, text, embedding,
  ordinal, doc_key, added_seq, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_CHANGE = "INSERT INTO log (seq, op, ordinal, hash, chain) VALUES (?, ?, ?, ?, ?)"
_DOCUMENTS_OF_SOURCE = "SELECT doc_id FROM documents WHERE source = ? ORDER BY doc_key"
_PUT_SOURCE = """
INSERT INTO sources (source, fingerprint) VALUES (?, ?)
ON CONFLICT (source) DO UPDATE SET fingerprint = excluded.fingerprint
"""
_SET_SOURCE = "UPDATE documents SET source = ? WHERE doc_id = ?"
_COUNT_FIELD = """
INSERT INTO fields (key, kind, n) VALUES (?, ?, ?) ON CONFLICT (key, kind) DO UPDATE SET n = n + excluded.n
"""


class Change:
    """A change inside an open write transaction.

    Args:
        connection: A connection inside ``BEGIN IMMEDIATE``.
        corpus_id: The corpus's id, which its log begins with.
    """

    def __init__(self, connection: sqlite3.Connection, corpus_id: str) -> None:
        self._connection = connection
        head: tuple[int, bytes] | None = connection.execute(HEAD).fetchone()
        self._began_at = cursor_of(head, corpus_id)
        self._seq, self._chain = head or (0, root_of_chain(corpus_id))
        self._ordinal = self._number(_LAST_ORDINAL)
        self._fields: Counter[Field] = Counter()

    def configure(self, change: Callable[[IndexSettings], IndexSettings], *, choose_language: bool) -> IndexSettings:
        """Change the settings and return them.

        Args:
            change: Makes the new settings from those that are there.
            choose_language: Whether the language counts as chosen from now on.
        """
        old, chosen = stored_settings(self._connection)
        new = change(old)
        if new != old or (choose_language and not chosen):
            put_settings(self._connection, new, language_is_chosen=chosen or choose_language)
        if new != old:
            self._connection.execute(_INSERT_CHANGE, self._next(CONFIGURED, 0, settings_hash(new)))
        return new

    def meet_language(self, language: str, share: float) -> tuple[str, ...]:
        """Take the language of the texts that are added, unless one is chosen; return what to say about it.

        Args:
            language: What most of the texts are in; empty where that is not clear.
            share: How much of them, from 0 to 1.
        """
        settings, chosen = stored_settings(self._connection)
        if not language or (chosen and language == settings.language):
            return ()
        if chosen:
            return (other_language_note(settings, language),)
        self.configure(lambda old: dataclasses.replace(old, language=language), choose_language=True)
        return (detected_note(language, share),) if language != settings.language else ()

    def replace(self, documents: Sequence[PreparedDocument]) -> ChangeReport:
        """Add the new documents and replace the changed ones.

        Raises:
            InvalidDocumentError: A node id belongs to another document.
        """
        self._disown([document.doc_id for document in documents])
        return self._put(documents)

    def amend(self, documents: Sequence[PreparedDocument], at: Cursor) -> ChangeReport:
        """Replace documents and leave their sources as they were read.

        Args:
            documents: The documents.
            at: Where the corpus must be.

        Raises:
            CorpusBusyError: It is elsewhere.
            InvalidDocumentError: A node id belongs to another document.
        """
        if self._began_at != at:
            raise CorpusBusyError("the documents were changed meanwhile; nothing was written", fix="try again")
        return self._put(documents)

    def _put(self, documents: Sequence[PreparedDocument]) -> ChangeReport:
        there = self._find([document.doc_id for document in documents])
        new = [document for document in documents if document.doc_id not in there]
        changed = [d for d in documents if d.doc_id in there and _differs(d, there[d.doc_id][1])]
        self._remove_nodes(there[document.doc_id][0] for document in changed)
        first = self._number(_LAST_DOCUMENT) + 1
        keys = {document.doc_id: first + i for i, document in enumerate(new)}
        self._connection.executemany(
            _INSERT_DOCUMENT, ((keys[d.doc_id], d.doc_id, d.hash, d.metadata, d.excluded, d.text) for d in new)
        )
        keys.update((document.doc_id, there[document.doc_id][0]) for document in changed)
        self._connection.executemany(
            _UPDATE_DOCUMENT, ((d.hash, d.metadata, d.excluded, d.text, keys[d.doc_id]) for d in changed)
        )
        self._add_nodes([document for document in documents if document.doc_id in keys], keys)
        self._write_fields()
        written = {document.doc_id for document in changed}
        return ChangeReport(
            added=tuple(document.doc_id for document in new),
            changed=tuple(document.doc_id for document in changed),
            unchanged=tuple(doc_id for d in documents if (doc_id := d.doc_id) in there and doc_id not in written),
        )

    def delete(self, doc_ids: Sequence[str]) -> ChangeReport:
        """Remove the documents that are there."""
        there = self._find([doc_id for doc_id in doc_ids if is_storable(doc_id)])
        removed = [doc_id for doc_id in doc_ids if doc_id in there]
        self._disown(removed)
        self._remove_nodes(there[doc_id][0] for doc_id in removed)
        self._connection.executemany(
            "DELETE FROM documents WHERE doc_key = ?", ((there[doc_id][0],) for doc_id in removed)
        )
        self._write_fields()
        return ChangeReport(removed=tuple(removed), missing=tuple(doc_id for doc_id in doc_ids if doc_id not in there))

    def replace_sources(
        self, sources: Mapping[str, str | None], documents: Mapping[str, str], prepared: Sequence[PreparedDocument]
    ) -> ChangeReport:
        """Make the documents of some sources be exactly these.

        Args:
            sources: The fingerprint of each source.
            documents: The source of each document.
            prepared: The documents.

        Raises:
            InvalidDocumentError: A document, or a node id, belongs to another source or to none.
        """
        for doc_id, owner in self._sources_of(list(documents)).items():
            if owner != documents[doc_id] and owner not in sources:
                raise document_taken(doc_id, owner)
        gone = [doc_id for source in sources for doc_id in self._documents_of(source) if doc_id not in documents]
        removed = self.delete(gone).removed
        self._connection.executemany(_PUT_SOURCE, sources.items())
        report = self.replace(prepared)
        self._connection.executemany(_SET_SOURCE, ((source, doc_id) for doc_id, source in documents.items()))
        self._connection.executemany(_PUT_SOURCE, sources.items())
        return dataclasses.replace(report, removed=removed)

    def remove_sources(self, sources: Sequence[str]) -> ChangeReport:
        """Remove sources and their documents."""
        report = self.delete([doc_id for source in sources for doc_id in self._documents_of(source)])
        self._connection.executemany("DELETE FROM sources WHERE source = ?", ((source,) for source in sources))
        return report

    def _documents_of(self, source: str) -> list[str]:
        return [row[0] for row in self._connection.execute(_DOCUMENTS_OF_SOURCE, (source,))]

    def _sources_of(self, doc_ids: Sequence[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for query, values in SOURCES_BY_ID.batches(doc_ids):
            found.update(self._connection.execute(query, values).fetchall())
        return found

    def _disown(self, doc_ids: Sequence[str]) -> None:
        """Have the sources of these documents read again: what they were read to is no longer what is stored."""
        for owner in set(self._sources_of(doc_ids).values()) - {None}:
            self._connection.execute("UPDATE sources SET fingerprint = NULL WHERE source = ?", (owner,))

    def _find(self, doc_ids: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        found: dict[str, tuple[int, bytes]] = {}
        for query, values in _DOCUMENTS_BY_ID.batches(doc_ids):
            for doc_id, key, hashed in self._connection.execute(query, values):
                found[doc_id] = (key, hashed)
        return found

    def _remove_nodes(self, keys: Iterable[int]) -> None:
        for key in keys:
            rows = self._connection.execute(_NODES_OF_DOCUMENT, (key,)).fetchall()
            self._connection.executemany(_INSERT_CHANGE, [self._next(REMOVED, row[0], row[1]) for row in rows])
            self._connection.execute("DELETE FROM nodes WHERE doc_key = ?", (key,))
            for _, _, metadata in rows:
                self._fields.subtract(fields_of(from_json(metadata)))

    def _add_nodes(self, documents: Sequence[PreparedDocument], keys: dict[str, int]) -> None:
        changes: list[tuple[Any, ...]] = []
        try:
            self._connection.executemany(_INSERT_NODE, self._rows(documents, keys, changes))
        except sqlite3.IntegrityError:
            self._explain_taken(documents)
            raise
        self._connection.executemany(_INSERT_CHANGE, changes)

    def _rows(
        self, documents: Sequence[PreparedDocument], keys: dict[str, int], changes: list[tuple[Any, ...]]
    ) -> Iterator[tuple[Any, ...]]:
        for document in documents:
            key = keys[document.doc_id]
            for node in document.nodes:
                self._ordinal += 1
                changes.append(self._next(ADDED, self._ordinal, node.hash))
                self._fields.update(node.fields)
                yield (*node.row, self._ordinal, key, self._seq, node.hash)

    def _explain_taken(self, documents: Sequence[PreparedDocument]) -> None:
        wanted = {node.row[0]: document.doc_id for document in documents for node in document.nodes}
        for query, values in _OWNERS.batches(list(wanted)):
            for node_id, owner in self._connection.execute(query, values):
                if wanted[node_id] != owner:
                    raise node_id_taken(wanted[node_id], node_id, owner) from None

    def _next(self, operation: int, ordinal: int, node_hash: bytes) -> tuple[int, int, int, bytes, bytes]:
        self._seq += 1
        self._chain = link(self._chain, operation, ordinal, node_hash)
        return self._seq, operation, ordinal, node_hash, self._chain

    def _write_fields(self) -> None:
        self._connection.executemany(_COUNT_FIELD, ((*field, n) for field, n in self._fields.items() if n))
        self._connection.execute("DELETE FROM fields WHERE n = 0")

    def _number(self, query: str) -> int:
        row = self._connection.execute(query).fetchone()
        return int(row[0]) if row and row[0] is not None else 0


def _differs(document: PreparedDocument, stored: bytes) -> bool:
    return document.hash != stored and former_hash(document) != stored


def checked_ids(doc_ids: Iterable[str]) -> list[str]:
    """Return the ids once each.

    Raises:
        InvalidDocumentError: They are one str instead of many, or one of them cannot be an id.
    """
    if isinstance(doc_ids, (str, bytes)):
        raise InvalidDocumentError(doc_ids, "delete takes many ids, not one", fix=f"write delete([{doc_ids!r}])")
    unique = list(dict.fromkeys(doc_ids))
    for doc_id in unique:
        if not isinstance(doc_id, str) or not doc_id:
            raise InvalidDocumentError(doc_id, "the id must be a non-empty str")
    return unique
