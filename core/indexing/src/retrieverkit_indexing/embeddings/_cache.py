"""`EmbeddingCache`: vectors that were paid for once, by model and text, in one SQLite file.

It is a cache and nothing more: what is damaged in it is dropped, what cannot be written is not, and no failure of it
ever reaches the caller. Each vector carries a digest, so that no damage goes unseen. Any number of processes may share
a folder.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

from retrieverkit_indexing.embeddings._probes import same_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

FILE_NAME = "embeddings-1.sqlite3"
"""The number counts the changes to the tables below."""

_APPLICATION_ID = 0x524B4543  # "RKEC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS models (
        id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, probe TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS vectors (
        model INTEGER NOT NULL, text BLOB NOT NULL, digest BLOB NOT NULL, vector BLOB NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS vectors_by_text ON vectors (model, text);
"""
_BUSY_SECONDS = 5.0
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING = _BUSY | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}
_log = logging.getLogger("retrieverkit_indexing.embeddings")


class EmbeddingCache:
    """Vectors by model fingerprint and text. Safe to share between threads, processes and forks.

    Args:
        folder: Where the file is kept; made if it is not there. Where it cannot be written, nothing is remembered. None
            keeps all in memory.

    Attributes:
        path: The file, or None.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else Path(folder) / FILE_NAME
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._file: tuple[int, int] | None = None
        self._given_up = False

    def get(self, fingerprint: str, probe: str, texts: Sequence[str], dimension: int) -> dict[int, NDArray[np.float32]]:
        """Return the vectors that the model with ``probe`` gave before, by the position of their text in ``texts``."""
        import numpy as np

        keys = [text_key(text) for text in texts]

        def read(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            model = _find(connection, fingerprint, probe)
            found: dict[bytes, bytes] = {}
            for key in keys if model is not None else ():
                row = connection.execute(
                    "SELECT digest, vector FROM vectors WHERE model = ? AND text = ?", (model, key)
                ).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == _digest(key, row[1]):
                    found[key] = row[1]
            return found

        nothing: dict[bytes, bytes] = {}
        found = self._try(read, nothing)
        return {
            at: np.frombuffer(found[key], "<f4").astype(np.float32)
            for at, key in enumerate(keys)
            if len(found.get(key, b"")) == 4 * dimension
        }

    def put(self, fingerprint: str, probe: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep checked vectors by their texts, and forget those of any other model with this fingerprint."""
        rows = []
        for text, vector in vectors.items():
            key, data = text_key(text), vector.astype("<f4").tobytes()
            rows.append((key, _digest(key, data), data))

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                model = _find(connection, fingerprint, probe)
                if model is None:
                    model = _replace(connection, fingerprint, probe)
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (model, text, digest, vector) VALUES (?, ?, ?, ?)",
                    [(model, *row) for row in rows],
                )

        self._try(write, None)

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        with self._guard:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Run ``work``; when the file is damaged drop it, whatever fails return ``otherwise``."""
        if self._pid != os.getpid():  # in a forked child neither the lock nor the connection is to be used
            self._guard, self._connection, self._pid, self._given_up = threading.Lock(), None, os.getpid(), False
        with self._guard:
            try:
                connection = self._open()
                return otherwise if connection is None else work(connection)
            except sqlite3.DatabaseError as error:
                if _is_passing(error):
                    _log.info("embedding cache %s: %s", self.path, error)
                else:
                    _log.warning("embedding cache %s is damaged (%s): it is begun anew", self.path, error)
                    self._drop()
            return otherwise

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and not self._given_up:
            try:
                if self.path is not None:
                    _make_file(self.path)
                    self._file = _identity(self.path)
                self._connection = self._connect(self.path or ":memory:")
            except OSError as error:
                self._give_up(error)
            except sqlite3.OperationalError as error:
                if not _is_passing(error) or _code(error) in _BUSY:
                    raise
                self._give_up(error)
        return self._connection

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        _log.warning("embeddings are not remembered: %s cannot be used (%s)", self.path, error)

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            if owner not in (0, _APPLICATION_ID):
                raise sqlite3.DatabaseError(f"it is a file of application {owner:#x}")
            if owner == 0:
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        """Delete the damaged file, unless another process has already put a new one in its place."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.path is None:
            return
        try:
            with FileLock(f"{self.path}.lock", timeout=_BUSY_SECONDS):
                if _identity(self.path) == self._file:
                    for suffix in ("", "-wal", "-shm"):
                        Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        except (OSError, TimeoutError) as error:
            self._give_up(error)


def _make_file(path: Path) -> None:
    """Make an empty file if there is none.

    Raises:
        OSError: It cannot be made, or what is there is not a file: to open a pipe would wait for its other end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch()
    if not path.is_file():
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_passing(error: sqlite3.Error) -> bool:
    """Return whether the error is of the moment or the place, and the file itself sound."""
    return _code(error) in _PASSING


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _find(connection: sqlite3.Connection, fingerprint: str, probe: str) -> int | None:
    """Return the id of the model with that fingerprint, if it is the one with that probe."""
    row = connection.execute("SELECT id, probe FROM models WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return int(row[0]) if row is not None and same_model(str(row[1]), probe) else None


def _replace(connection: sqlite3.Connection, fingerprint: str, probe: str) -> int:
    connection.execute(
        "DELETE FROM vectors WHERE model IN (SELECT id FROM models WHERE fingerprint = ?)", (fingerprint,)
    )
    connection.execute("DELETE FROM models WHERE fingerprint = ?", (fingerprint,))
    inserted = connection.execute("INSERT INTO models (fingerprint, probe) VALUES (?, ?)", (fingerprint, probe))
    assert inserted.lastrowid is not None
    return inserted.lastrowid


def text_key(text: str) -> bytes:
    """Return the SHA-256 of ``text``, the key it is remembered by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _digest(key: bytes, vector: bytes) -> bytes:
    """Return what tells a vector that was damaged, or belongs to another text, from the one that was kept."""
    return hashlib.blake2b(vector, key=key, digest_size=8).digest()
