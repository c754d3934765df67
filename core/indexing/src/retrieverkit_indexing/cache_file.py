"""`CacheFile`: what was paid for once, kept in one SQLite file.

It is a cache and nothing more: what is damaged in it is dropped, what cannot be written is not, and no failure of it
ever reaches the caller. Any number of processes may share a folder. SQLite keeps no sums of values: keep a `digest`
with each, so that no damage goes unseen.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

T = TypeVar("T")

_BUSY_SECONDS = 5.0
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PASSING = _BUSY | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}


class CacheFile:
    """One SQLite file. Safe to share between threads, processes and forks.

    Args:
        path: The file; made with its folder if it is not there. Where it cannot be written, nothing is remembered. None
            keeps all in memory.
        tables: The SQL that makes the tables where they are not there.
        application_id: What tells the file from those of others.
        holds: What is kept, for the log, such as ``"embeddings"``.
        log: Where failures are told.

    Attributes:
        path: The file, or None.
    """

    def __init__(self, path: Path | None, tables: str, application_id: int, *, holds: str, log: logging.Logger) -> None:
        self.path = path
        self._tables = tables
        self._application_id = application_id
        self._holds = holds
        self._log = log
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._file: tuple[int, int] | None = None
        self._given_up = False

    def use(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Run ``work``; when the file is damaged drop it, whatever fails return ``otherwise``."""
        self._let_go_after_fork()
        with self._guard:
            try:
                connection = self._open()
                return otherwise if connection is None else work(connection)
            except sqlite3.DatabaseError as error:
                if _is_passing(error):
                    self._log.info("cache of %s %s: %s", self._holds, self.path, error)
                else:
                    self._log.warning(
                        "cache of %s %s is damaged (%s): it is begun again", self._holds, self.path, error
                    )
                    self._drop()
            return otherwise

    def look(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """As `use`, for work that only reads: no file is made, changed or dropped."""
        self._let_go_after_fork()
        with self._guard:
            try:
                if self._connection is not None:
                    return work(self._connection)
                if self.path is None or not self.path.is_file():
                    return otherwise
                # To read a file in this journal mode that nobody has open would else make files beside it.
                way = "mode=ro" if Path(f"{self.path}-wal").exists() else "immutable=1"
                with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?{way}", uri=True)) as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                self._log.info("cache of %s %s: %s", self._holds, self.path, error)
                return otherwise

    def _let_go_after_fork(self) -> None:
        if self._pid != os.getpid():  # in a forked child neither the lock nor the connection is to be used
            self._guard, self._connection, self._pid, self._given_up = threading.Lock(), None, os.getpid(), False

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        with self._guard:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

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
        self._log.warning("%s are not remembered: %s cannot be used (%s)", self._holds, self.path, error)

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(f"BEGIN IMMEDIATE; {self._tables} COMMIT;")
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            if owner not in (0, self._application_id):
                raise sqlite3.DatabaseError(f"it is a file of application {owner:#x}")
            if owner == 0:
                connection.execute(f"PRAGMA application_id = {self._application_id}")
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


def text_key(text: str) -> bytes:
    """Return the SHA-256 of ``text``, the key that something is remembered by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def digest(key: bytes, value: bytes) -> bytes:
    """Return what tells a value that was damaged, or belongs to another key, from the one that was kept."""
    return hashlib.blake2b(value, key=key, digest_size=8).digest()


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
