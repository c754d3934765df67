"""The corpus as callers see it."""

from __future__ import annotations

import dataclasses
import logging
import operator
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self, TypeVar

from retrieverkit.corpus import faults, schema
from retrieverkit.corpus.connections import (
    LOG_LIMIT,
    Access,
    Connections,
    CorpusConnection,
    acquired,
    identity,
    lock_of,
    log_size,
)
from retrieverkit.corpus.node_cache import NodeCache
from retrieverkit.corpus.preparation import TEXT_AT, PreparedDocument, prepare
from retrieverkit.corpus.rows import from_json, node_from_row
from retrieverkit.corpus.settings import changed, language_of, stored_settings
from retrieverkit.corpus.snapshot import Snapshot, view
from retrieverkit.corpus.statements import SELECT_NODES, SOURCES_BY_ID, ByValues, is_storable
from retrieverkit.corpus.stored import chain_at, content_of, cursor_of, head_of, known_head
from retrieverkit.corpus.verification import Verification
from retrieverkit.corpus.writing import Change, checked_ids
from retrieverkit_core.corpus import ChangeReport, Cursor, IndexSettings, Problem, SourceContent
from retrieverkit_core.errors import ConfigError, CorpusError, NotACorpusError
from retrieverkit_core.nodes import Document, Node
from retrieverkit_core.one_look import seen

_logger = logging.getLogger(__name__)

_BY_IDS = ByValues.of(f"{SELECT_NODES} WHERE node_id IN")
_DOCUMENT = """
SELECT metadata, excluded, coalesce(text, (SELECT text FROM nodes WHERE nodes.doc_key = documents.doc_key))
FROM documents WHERE doc_id = ?
"""
_NODE_IDS = "SELECT node_id FROM nodes ORDER BY ordinal"
_NODE_IDS_OF = """
SELECT node_id FROM nodes WHERE doc_key = (SELECT doc_key FROM documents WHERE doc_id = ?) ORDER BY ordinal
"""
_LARGEST = 2**63 - 1
Result = TypeVar("Result")
_CANNOT_OPEN = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_WITHOUT_WAL_RESET_BUG = (3, 51, 3)


class _Opened(NamedTuple):
    connections: Connections
    corpus_id: str
    nodes: NodeCache


class SQLiteCorpus:
    """Documents, their nodes and the log of every change in one SQLite file; implements `Corpus`.

    Safe to use from many threads and many processes at once, and after a fork. Where the file was put back from a
    copy, the next call sees the copy.
    """

    def __init__(self, path: Path, *, read_only: bool, busy_timeout: float) -> None:
        self._path = path
        self._file = str(path)
        self._read_only = read_only
        self._busy_timeout = busy_timeout
        self._closed = False
        self._writes = 0
        self._known_fields: tuple[Cursor, Mapping[str, frozenset[str]]] | None = None
        self._known_settings: tuple[Cursor, IndexSettings] | None = None
        self._opened = self._open()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        read_only: bool = False,
        busy_timeout: float = 60.0,
        language: str | None = None,
        searched: Sequence[str] | None = None,
        splitter: str = "",
    ) -> Self:
        """Open the corpus file at ``path``.

        Args:
            path: The file; its folder must be there.
            create: Make an empty corpus where there is no file.
            read_only: Never write. A corpus that cannot be written here is opened so in any case.
            busy_timeout: Seconds that a write waits for other writers.
            language: The language of a new corpus; by default it is detected in what is added first.
            searched: The metadata fields of a new corpus that are searched with the text; by default the title.
            splitter: How documents of a new corpus are cut.

        Raises:
            ConfigError: A setting cannot be used.
            NotACorpusError: There is no file, or it is empty, or something else wrote it.
            CorpusTooNewError: A later version wrote it; it was not touched.
            CorruptCorpusError: It is damaged.
            ReadOnlyCorpusError: It can be neither created nor read without writing to its folder.
        """
        file = Path(os.path.abspath(path))
        settings = changed(IndexSettings(splitter=splitter), language, searched)
        try:
            if create and not read_only and not file.exists():
                _create(file, busy_timeout, settings, language is not None)
            return cls(file, read_only=read_only, busy_timeout=busy_timeout)
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, CorpusError):
                raise
            raise faults.typed_error(error, file) from error

    def close(self) -> None:
        """Close the file. Closing twice is allowed."""
        self._closed = True
        self._opened.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLiteCorpus({str(self._path)!r})"

    @property
    def path(self) -> Path:
        """The corpus file."""
        return self._path

    @property
    def corpus_id(self) -> str:
        """The random id that the corpus was created with."""
        return self._current().corpus_id

    @property
    def writable(self) -> bool:
        """Whether documents can be added and removed here."""
        return self._current().connections.access is Access.WRITE

    @property
    def settings(self) -> IndexSettings:
        """The settings of the corpus; `head` moves when they change."""
        known = self._known_settings
        if known is not None and known[0] == self.head():
            return known[1]
        opened = self._current()
        with view(opened.connections) as connection, connection.busy:
            head = head_of(connection, opened.corpus_id)
            try:
                settings, _ = stored_settings(connection)
            except (ValueError, TypeError, ConfigError) as error:
                raise faults.corrupt(self._path, f"its settings cannot be read: {error}") from error
        self._known_settings = (head, settings)
        return settings

    def configure(self, *, language: str | None = None, searched: Sequence[str] | None = None) -> IndexSettings:
        """Change settings and return all of them; None leaves one as it is.

        Raises:
            ConfigError: A value cannot be used.
            CorpusError: As for `replace`.
        """
        changed(IndexSettings(), language, searched)
        return self._write(
            lambda change: change.configure(
                lambda old: changed(old, language, searched), choose_language=language is not None
            )
        )

    def replace(self, documents: Iterable[tuple[Document, Sequence[Node]]]) -> ChangeReport:
        """Add documents with their nodes, and replace those that were changed: all of them, or none.

        A document that is there already with the same text, metadata and nodes is left alone and nothing is written
        for it. The order of metadata keys counts as content, because it shows in what is embedded. A vector is kept
        as float32, and the ``obj`` of an `IndexNode` is not kept.

        Args:
            documents: Each document with the nodes it was cut into. It is read to its end before any lock is taken.

        Raises:
            InvalidDocumentError: A document cannot be stored faithfully, or an id is not unique.
            CorpusBusyError: Another writer did not finish in time.
            ReadOnlyCorpusError: The corpus cannot be written here.
            StorageFullError: There is no space left.
        """
        self._writable_connections()
        prepared = prepare(documents)
        language = language_of(_texts(prepared))
        return self._write(lambda change: _with_notes(change.meet_language(*language), change.replace(prepared)))

    def amend(self, documents: Iterable[tuple[Document, Sequence[Node]]], *, at: Cursor) -> ChangeReport:
        """Replace documents that are there, all of them or none, and leave their sources as they were read.

        Args:
            documents: Each document with its nodes.
            at: The state of the corpus that they were made from.

        Raises:
            CorpusBusyError: The corpus has changed since, or another writer did not finish in time.
            CorpusError: As for `replace`.
        """
        self._writable_connections()
        prepared = prepare(documents)
        return self._write(lambda change: change.amend(prepared, at))

    def delete(self, doc_ids: Iterable[str]) -> ChangeReport:
        """Remove documents and their nodes: all that are there, in one step. The others are reported as missing.

        Raises:
            InvalidDocumentError: What was given are not ids.
            CorpusBusyError: Another writer did not finish in time.
            ReadOnlyCorpusError: The corpus cannot be written here.
            StorageFullError: There is no space left.
        """
        wanted = checked_ids(doc_ids)
        return self._write(lambda change: change.delete(wanted))

    def replace_sources(self, contents: Sequence[SourceContent]) -> ChangeReport:
        """Make the documents of some sources be exactly these: all of them, or none.

        Documents that a source held before and holds no longer are removed. A source whose documents are later
        changed or removed in another way has no fingerprint any more, so that it is read again.

        Args:
            contents: What each source holds now.

        Raises:
            InvalidDocumentError: A document cannot be stored faithfully, or its id belongs to another source or none.
            CorpusError: As for `replace`.
        """
        self._writable_connections()
        prepared = prepare(pair for content in contents for pair in content.documents)
        sources = {content.source: content.fingerprint for content in contents}
        owners = {document.id: content.source for content in contents for document, _ in content.documents}
        language = language_of(_texts(prepared))
        return self._write(
            lambda change: _with_notes(
                change.meet_language(*language), change.replace_sources(sources, owners, prepared)
            )
        )

    def remove_sources(self, sources: Iterable[str]) -> ChangeReport:
        """Remove sources and their documents, in one step.

        Raises:
            CorpusError: As for `delete`.
        """
        wanted = list(sources)
        return self._write(lambda change: change.remove_sources(wanted))

    def sources(self) -> dict[str, str | None]:
        """Return the fingerprint of each source, None where it has to be read again."""
        return dict(self._rows("SELECT source, fingerprint FROM sources"))

    def sources_of(self, doc_ids: Iterable[str]) -> dict[str, str | None]:
        """Return the source of each of these documents that there is, None where it came from no source."""
        parts = list(SOURCES_BY_ID.batches([doc_id for doc_id in doc_ids if is_storable(doc_id)]))
        return self._read(
            self._current(),
            lambda connection: dict(row for query, part in parts for row in connection.execute(query, part)),
        )

    def head(self) -> Cursor:
        """Return the place behind the last committed change; see `one_look` for how often it is looked."""
        return seen(self, self._writes, self._head)

    def _head(self) -> Cursor:
        opened = self._current()
        return self._read(opened, lambda connection: known_head(connection, opened.corpus_id))

    def holds(self, cursor: Cursor) -> bool:
        """Return whether ``cursor`` is a place in this corpus's own history."""
        opened = self._current()
        corpus_id, seq, chain = cursor
        if corpus_id != opened.corpus_id or not isinstance(seq, int) or not 0 <= seq <= _LARGEST:
            return False
        if seq == 0:
            return cursor == cursor_of(None, corpus_id)
        return self._read(opened, lambda connection: chain_at(connection, seq)) == chain

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open a consistent view; it ends with the ``with`` block."""
        opened = self._current()
        with view(opened.connections) as connection:
            snapshot = Snapshot(opened.connections, connection, opened.corpus_id)
            try:
                yield snapshot
            finally:
                snapshot.close()

    def fetch(self, ordinals: Sequence[int]) -> list[Node | None]:
        """Return the node at each ordinal in the order asked, None where it has been removed."""
        wanted = list(map(operator.index, ordinals))
        if not wanted:
            return []
        if not 0 < min(wanted) <= max(wanted) <= _LARGEST:
            possible = [ordinal for ordinal in wanted if 0 < ordinal <= _LARGEST]
            found = dict(zip(possible, self.fetch(possible), strict=True))
            return [found.get(ordinal) for ordinal in wanted]
        opened = self._current()
        return self._read(opened, lambda connection: opened.nodes.fetch(connection, wanted))

    def get(self, node_ids: Sequence[str]) -> list[Node | None]:
        """Return the node with each id in the order asked, None where there is none."""
        storable = [node_id for node_id in node_ids if is_storable(node_id)]

        def read(connection: CorpusConnection) -> dict[str, Node]:
            rows = (row for query, part in _BY_IDS.batches(storable) for row in connection.execute(query, part))
            return {row[2]: node_from_row(content_of(connection, row)) for row in rows}

        found = self._read(self._current(), read)
        return [found.get(node_id) for node_id in node_ids]

    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the kinds of value (see `filters.values.fields_of`) that each metadata field holds."""
        known = self._known_fields
        if known is not None and known[0] == self.head():
            return known[1]
        opened = self._current()
        kinds: dict[str, set[str]] = {}
        with view(opened.connections) as connection, connection.busy:
            head = head_of(connection, opened.corpus_id)
            for key, kind in connection.execute("SELECT key, kind FROM fields WHERE n > 0"):
                kinds.setdefault(key, set()).add(kind)
        fields = MappingProxyType({key: frozenset(held) for key, held in kinds.items()})
        self._known_fields = (head, fields)
        return fields

    def document(self, doc_id: str) -> Document | None:
        """Return the document with that id, None where there is none."""
        rows = self._rows(_DOCUMENT, (doc_id,)) if is_storable(doc_id) else []
        if not rows:
            return None
        metadata, excluded, text = rows[0]
        embed, llm = self._decoded(excluded) if excluded else ([], [])
        return Document(text, doc_id, self._decoded(metadata), embed, llm)

    def document_ids(self) -> list[str]:
        """Return the id of each document, in the order they were first added."""
        return [row[0] for row in self._rows("SELECT doc_id FROM documents ORDER BY doc_key")]

    def count(self) -> int:
        """Return the number of nodes."""
        return int(self._rows("SELECT count(*) FROM nodes")[0][0])

    def node_ids(self, doc_id: str | None = None) -> list[str]:
        """Return the ids of all nodes, or of one document's, in the order they were added."""
        if doc_id is None:
            return [row[0] for row in self._rows(_NODE_IDS)]
        return [row[0] for row in self._rows(_NODE_IDS_OF, (doc_id,))] if is_storable(doc_id) else []

    def copy_to(self, path: Path) -> None:
        """Write the corpus as it is at one moment to a new file. Others may read and write meanwhile.

        Raises:
            CorpusError: It cannot be read, or the file cannot be written.
        """
        with view(self._current().connections) as connection, connection.busy:
            copy = sqlite3.connect(path, isolation_level=None)
            try:
                connection.backup(copy)
            finally:
                copy.close()

    def check(self) -> list[Problem]:
        """Read the whole corpus and return all that is wrong with it; an empty list is a clean corpus."""
        opened = self._current()
        connections = opened.connections
        try:
            connection = connections.take()
        except sqlite3.Error as error:
            return [Problem("file", "", str(error))]
        try:
            connection.text_factory = bytes
            connection.execute("BEGIN")
            return list(Verification(connection, opened.corpus_id).problems())
        except sqlite3.Error as error:
            return [Problem("file", "", str(error))]
        finally:
            connections.discard(connection)

    @staticmethod
    def warnings() -> list[str]:
        """Return what is to be known about the SQLite that this Python came with."""
        if sqlite3.sqlite_version_info >= _WITHOUT_WAL_RESET_BUG:
            return []
        return [
            f"SQLite {sqlite3.sqlite_version} is older than 3.51.3: let no other program write to a corpus while "
            "RetrieverKit has it open"
        ]

    def _write(self, apply: Callable[[Change], Result]) -> Result:
        corpus_id, connections = self._current().corpus_id, self._writable_connections()
        try:
            with connections.writing() as connection:
                connection.execute("BEGIN IMMEDIATE")
                report = apply(Change(connection, corpus_id))
                connection.execute("COMMIT")
                self._writes += 1
                if log_size(self._path) > LOG_LIMIT:
                    self._checkpoint(connection)
        except CorpusError:
            raise
        except (sqlite3.Error, OSError, ValueError) as error:
            raise faults.typed_error(error, self._path) from error
        return report

    def _writable_connections(self) -> Connections:
        connections = self._current().connections
        if connections.access is not Access.WRITE:
            asked = "it was opened for reading only" if self._read_only else "this user may only read it"
            raise faults.read_only(self._path, asked)
        return connections

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            _logger.warning("the log of %s grows, it cannot be moved into the file: %s", self._path, error)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._read(self._current(), lambda connection: connection.execute(query, values).fetchall())

    def _read(self, opened: _Opened, read: Callable[[CorpusConnection], Result]) -> Result:
        """Return what ``read`` makes of a connection of its own; typed errors come out of it."""
        connections = opened.connections
        try:
            connection = connections.take()
            try:
                with connection.busy:
                    result = read(connection)
            except BaseException:
                connections.discard(connection)
                raise
        except (sqlite3.Error, ValueError, TypeError, AttributeError, KeyError) as error:
            raise faults.typed_error(error, self._path) from error
        connections.give(connection)
        return result

    def _decoded(self, text: str) -> Any:
        try:
            return from_json(text)
        except (ValueError, TypeError) as error:
            raise faults.typed_error(error, self._path) from error

    def _current(self) -> _Opened:
        """Return what is open; opens the file again after a fork and where another file was put in its place."""
        if self._closed:
            raise CorpusError(f"the corpus {self._path} is closed", fix="open it again")
        opened = self._opened
        try:
            return opened if self._is_current(opened) else self._opened_again(opened)
        except FileNotFoundError:
            raise NotACorpusError(f"the corpus {self._path} was removed", fix="put the file back") from None
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, CorpusError):
                raise
            raise faults.typed_error(error, self._path) from error

    def _is_current(self, opened: _Opened) -> bool:
        connections = opened.connections
        return not connections.abandoned and connections.identity == identity(self._file, connections.access)

    def _opened_again(self, former: _Opened) -> _Opened:
        with former.connections.replacing:  # of several threads one opens the file
            if self._opened is former:
                if not former.connections.abandoned:
                    former.connections.close()
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Opened:
        schema.check_header(self._path)
        if not self._read_only and os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK):
            return self._opened_as(Access.WRITE)
        try:
            return self._opened_as(Access.READ)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _CANNOT_OPEN:
                raise
            if log_size(self._path):
                raise faults.read_only(
                    self._path, "its newest changes are still in its write-ahead log, which only a writer can read here"
                ) from error
            return self._opened_as(Access.FROZEN)

    def _opened_as(self, access: Access) -> _Opened:
        connections = Connections(self._path, access, self._busy_timeout)
        with_tables = connections.take()
        try:
            corpus_id = schema.check_tables(with_tables, self._path)
            is_old = access is Access.WRITE and schema.is_old(with_tables)
        except BaseException:
            connections.discard(with_tables)
            raise
        connections.give(with_tables)
        if is_old:
            with connections.writing() as writer:
                schema.migrate(writer)
        return _Opened(connections, corpus_id, NodeCache(corpus_id))


def _create(path: Path, busy_timeout: float, settings: IndexSettings, language_is_chosen: bool) -> None:
    if not path.parent.is_dir():
        raise NotACorpusError(f"there is no folder {path.parent}", fix="make the folder first")
    with acquired(lock_of(path), path, busy_timeout):
        if not path.exists():
            schema.create(path, settings, language_is_chosen=language_is_chosen)


def _texts(prepared: Sequence[PreparedDocument]) -> list[str]:
    return [str(node.row[TEXT_AT]) for document in prepared for node in document.nodes]


def _with_notes(notes: tuple[str, ...], report: ChangeReport) -> ChangeReport:
    """Return the report with what the added texts say of the language; texts that were there say nothing new."""
    return dataclasses.replace(report, notes=notes) if report.added or report.changed else report
