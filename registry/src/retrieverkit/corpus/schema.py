"""The tables of a corpus file, how one is created, and how a file is recognised as one."""

from __future__ import annotations

import errno
import sqlite3
import uuid
from pathlib import Path

from retrieverkit.corpus.faults import corrupt
from retrieverkit.corpus.settings import put_settings
from retrieverkit.regular_files import read_regular
from retrieverkit.unfinished import sync
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import CorpusTooNewError, NotACorpusError

APPLICATION_ID = 0x524B4354
"""``RKCT`` in the header of every corpus file."""

VERSION = 2
"""The version of the tables, in the header as ``user_version``. Since 2 a corpus has settings."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_SIZE = 100
_VERSION_AT, _APPLICATION_AT = 60, 68
"""Offsets in the header, by SQLite's file format."""

_FIX_FOREIGN = "name the folder of a corpus, or move the file away to start a new corpus there"

_NO_FILE = (errno.EINVAL, errno.EISDIR, errno.ENXIO)

_TABLES = """
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
  doc_key INTEGER PRIMARY KEY,
  doc_id TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL,
  metadata TEXT NOT NULL,
  excluded TEXT,
  text TEXT, -- NULL where it is the text of the document's one node
  source TEXT REFERENCES sources (source) -- NULL where it came from no file
);
CREATE INDEX documents_of_source ON documents (source) WHERE source IS NOT NULL;
CREATE TABLE sources (
  source TEXT PRIMARY KEY,
  fingerprint TEXT -- NULL where it has to be read again
) WITHOUT ROWID;
CREATE TABLE nodes (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  node_id TEXT NOT NULL UNIQUE,
  doc_key INTEGER NOT NULL REFERENCES documents (doc_key),
  added_seq INTEGER NOT NULL,
  hash BLOB NOT NULL,
  metadata TEXT NOT NULL,
  relationships TEXT,
  excluded TEXT,
  start_char INTEGER,
  end_char INTEGER,
  index_id TEXT,
  text TEXT NOT NULL,
  embedding BLOB
);
CREATE INDEX nodes_of_document ON nodes (doc_key);
CREATE TABLE log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  op INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  hash BLOB NOT NULL,
  chain BLOB NOT NULL
);
CREATE TABLE fields (
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (key, kind)
) WITHOUT ROWID;
"""


def check_header(path: Path) -> None:
    """Look at a file's header without opening it as a database, which could already change it.

    Raises:
        NotACorpusError: There is no file, it is empty, or something else wrote it.
        CorpusTooNewError: A later version wrote it.
    """
    try:
        header = read_regular(path, _HEADER_SIZE)
    except (FileNotFoundError, NotADirectoryError):
        raise NotACorpusError(f"there is no corpus at {path}", fix="name the folder of a corpus") from None
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        raise NotACorpusError(f"{path} is not a corpus: it is not a regular file", fix=_FIX_FOREIGN) from None
    if not header:
        raise NotACorpusError(f"{path} is not a corpus: it is empty", fix=_FIX_FOREIGN)
    if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
        raise NotACorpusError(f"{path} is not a corpus: it is not a SQLite file", fix=_FIX_FOREIGN)
    if _number(header, _APPLICATION_AT) != APPLICATION_ID:
        raise NotACorpusError(f"{path} is not a corpus: another program wrote it", fix=_FIX_FOREIGN)
    _check_version(_number(header, _VERSION_AT), path)


def check_tables(connection: sqlite3.Connection, path: Path) -> str:
    """Check an open file, where changes that are not in the header yet count too.

    Returns:
        The corpus id.

    Raises:
        CorpusTooNewError: A later version wrote it.
        CorruptCorpusError: It holds no corpus id.
    """
    _check_version(int(connection.execute("PRAGMA user_version").fetchone()[0]), path)
    row = connection.execute("SELECT value FROM meta WHERE key = 'corpus_id'").fetchone()
    if row is None or not isinstance(row[0], str):
        raise corrupt(path, "it holds no corpus id")
    return row[0]


def is_old(connection: sqlite3.Connection) -> bool:
    """Return whether an earlier version wrote the open file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) < VERSION


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file of an earlier version up to this one, in one transaction. The caller holds the write lock.

    What is there was indexed as English, so that stays its language; an empty corpus has none yet.
    """
    connection.execute("BEGIN IMMEDIATE")
    if is_old(connection):  # else another process did it meanwhile
        connection.execute(
            "INSERT OR IGNORE INTO meta (key, value) SELECT 'language', 'en' WHERE EXISTS (SELECT 1 FROM nodes)"
        )
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def create(path: Path, settings: IndexSettings, *, language_is_chosen: bool) -> None:
    """Create an empty corpus at ``path``: it is there whole, or not at all. The caller holds the write lock.

    Args:
        path: The corpus file.
        settings: Its settings.
        language_is_chosen: Whether the language is set, or to be detected in what is added first.

    Raises:
        CorruptCorpusError: A write-ahead log lies there whose corpus is gone; it would be mixed into the new one.
    """
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise corrupt(path, f"the file is gone but its write-ahead log {log.name} is still there")
    unfinished = path.with_name(path.name + ".new")
    leftovers = [unfinished.with_name(unfinished.name + suffix) for suffix in ("", "-journal", "-wal", "-shm")]
    for file in (log, path.with_name(path.name + "-shm"), *leftovers):
        file.unlink(missing_ok=True)
    _build(unfinished, settings, language_is_chosen)
    unfinished.replace(path)
    sync(path.parent)


def _build(path: Path, settings: IndexSettings, language_is_chosen: bool) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
        connection.execute("INSERT INTO meta VALUES ('corpus_id', ?)", (uuid.uuid4().hex,))
        put_settings(connection, settings, language_is_chosen=language_is_chosen)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finally:
        connection.close()


def _number(header: bytes, at: int) -> int:
    return int.from_bytes(header[at : at + 4], "big")


def _check_version(version: int, path: Path) -> None:
    if version > VERSION:
        raise CorpusTooNewError(
            f"the corpus {path} has format {version}, this version of RetrieverKit reads up to {VERSION}",
            fix="pip install --upgrade retrieverkit",
        )
    if version < 1:
        raise corrupt(path, f"its format number is {version}")
