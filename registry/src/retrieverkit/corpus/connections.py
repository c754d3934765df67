"""Connections to one corpus file: a pool to read with, one to write with, and what becomes of them after a fork."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from weakref import WeakSet

from filelock import FileLock, Timeout

from retrieverkit.corpus import faults
from retrieverkit_core.corpus import Cursor

_IDLE_READERS = 16
"""How many unused read connections are kept open."""

_READER_CACHE_KIB = 4 * 1024
_WRITER_CACHE_KIB = 64 * 1024

LOG_LIMIT = 8 * 1024 * 1024
"""Bytes of write-ahead log from which a commit is followed by a checkpoint."""


class Access(Enum):
    """How the file can be opened here, as the ``mode`` of an SQLite URI."""

    WRITE = "mode=rw"
    READ = "mode=ro"
    FROZEN = "mode=ro&immutable=1"
    """For a folder in which SQLite may not even create the shared memory that a reader needs."""


class CorpusConnection(sqlite3.Connection):
    """A connection that knows the head of the log as of its last look.

    Attributes:
        version: SQLite's number for what was committed when it looked.
        head: The head then.
        busy: Held while SQLite works for it.
    """

    version = -1
    head: Cursor | None = None
    busy: threading.Lock


class Connections:
    """Every connection of this process to one corpus file.

    Args:
        path: The corpus file.
        access: How to open it.
        busy_timeout: Seconds to wait for another writer.

    Attributes:
        closed: Whether no more connections are kept.
        abandoned: Whether they belong to the parent process.
        replacing: Held by the thread that opens the file again in their place.
    """

    def __init__(self, path: Path, access: Access, busy_timeout: float) -> None:
        self.path = path
        self.access = access
        self.identity = identity(path, access)
        self.closed = False
        self.abandoned = False
        self._uri = f"{path.as_uri()}?{access.value}"
        self._busy_timeout = busy_timeout
        self._idle: deque[CorpusConnection] = deque()
        self._open: dict[int, CorpusConnection] = {}
        self._writer: CorpusConnection | None = None
        self._turn = threading.Lock()
        self._opening = threading.Lock()
        self.replacing = threading.Lock()
        self._lock = lock_of(path)
        with _changing_live:
            _live.add(self)

    def take(self) -> CorpusConnection:
        """Return a read connection that nobody else uses; hand it back with `give`."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect(_READER_CACHE_KIB, writes=False)

    def give(self, connection: CorpusConnection) -> None:
        """Take back a read connection that is in no transaction."""
        if self.closed or len(self._idle) >= _IDLE_READERS:
            self._drop(connection)
            return
        self._idle.append(connection)
        if self.closed:  # since just now: whoever closed may not have seen it
            self._drop_idle()

    def discard(self, connection: CorpusConnection) -> None:
        """Close a read connection that may be in any state."""
        self._drop(connection)

    @contextmanager
    def writing(self) -> Iterator[CorpusConnection]:
        """Hold the one write lock of all threads and processes, and the connection to write with.

        SQLite before 3.51.3 can damage a file when one connection writes while another moves its log into the file, so
        whatever writes or checkpoints does it here.

        Raises:
            CorpusBusyError: Another writer kept the lock for too long.
        """
        if not self._turn.acquire(timeout=self._busy_timeout):
            raise faults.busy(self.path, self._busy_timeout)
        try:
            with acquired(self._lock, self.path, self._busy_timeout):
                if self._writer is None:
                    self._writer = self._connect(_WRITER_CACHE_KIB, writes=True)
                try:
                    yield self._writer
                except BaseException:
                    self._forget_writer()
                    raise
        finally:
            if self.closed:
                self._forget_writer()
            self._turn.release()

    def close(self) -> None:
        """Close every connection that is not in use, and put the log into the file where that can be done at once."""
        self.closed = True
        self._drop_idle()
        if self._writer is not None and self._turn.acquire(blocking=False):
            try:
                self._shorten_log(self._writer)
                self._forget_writer()
            finally:
                self._turn.release()

    def locks(self) -> Iterator[threading.Lock]:
        """Yield what has to be held so that SQLite does nothing here."""
        yield self._turn
        yield self._opening
        for connection in list(self._open.values()):
            yield connection.busy

    def abandon(self) -> None:
        """Give up the connections of the parent process: to close them here would break them there."""
        self.closed = self.abandoned = True
        self.replacing = threading.Lock()  # another thread of the parent may have held it
        for connection in self._open.values():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # never closed, not even when Python ends
        self._idle.clear()
        self._open.clear()
        self._writer = None

    def _connect(self, cache_kib: int, *, writes: bool) -> CorpusConnection:
        with self._opening:
            connection = sqlite3.connect(
                self._uri,
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=self._busy_timeout,
                factory=CorpusConnection,
            )
            connection.busy = threading.Lock()
            try:
                for setting in (
                    f"cache_size = -{cache_kib}",
                    "foreign_keys = ON",
                    "trusted_schema = OFF",
                    "cell_size_check = ON",
                    "mmap_size = 0",
                    "synchronous = FULL",
                    "wal_autocheckpoint = 0",
                    f"journal_size_limit = {LOG_LIMIT}",
                    f"query_only = {'OFF' if writes else 'ON'}",
                ):
                    connection.execute(f"PRAGMA {setting}")
            except BaseException:
                connection.close()
                raise
            self._open[id(connection)] = connection
        return connection

    def _drop(self, connection: CorpusConnection) -> None:
        if self._open.pop(id(connection), None) is not None:
            with self._opening:
                connection.close()

    def _drop_idle(self) -> None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:  # empty, or another thread took the last one
                return
            self._drop(connection)

    def _forget_writer(self) -> None:
        if self._writer is not None:
            self._drop(self._writer)
            self._writer = None

    def _shorten_log(self, connection: CorpusConnection) -> None:
        try:
            with self._lock.acquire(timeout=0):
                connection.execute("PRAGMA busy_timeout = 0")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except (Timeout, OSError, sqlite3.Error):
            pass  # what is committed is safe in the log; a later close or write moves it


def identity(path: str | Path, access: Access) -> tuple[int, ...]:
    """Return what tells the file at ``path`` from another one that was put in its place.

    For a file that is read as frozen it also tells whether it was written since.
    """
    stat = os.stat(path)
    if access is not Access.FROZEN:
        return stat.st_dev, stat.st_ino
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, log_size(path)


def log_size(path: str | Path) -> int:
    """Return the bytes in the write-ahead log of the corpus at ``path``."""
    try:
        return os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return 0


def lock_of(path: Path) -> FileLock:
    """Return the lock between processes that write the corpus at ``path``."""
    return FileLock(path.with_suffix(".lock"), thread_local=False, poll_interval=0.005)


@contextmanager
def acquired(lock: FileLock, path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock between processes.

    Raises:
        CorpusBusyError: Another process kept it for too long.
        CorpusError: The lock file cannot be written.
    """
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise faults.busy(path, timeout) from None
    except OSError as error:
        raise faults.typed_error(error, path) from error
    try:
        yield
    finally:
        lock.release()


_live: WeakSet[Connections] = WeakSet()
_changing_live = threading.Lock()


class _Fork:
    """Holds the connections of every open corpus still while the process forks.

    SQLite keeps locks of its own in memory that all connections of a process share. A child gets a copy of them, and
    what another thread held at that moment is held in the child for ever.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._held: list[threading.Lock] = []

    def before(self) -> None:
        until = time.monotonic() + _PATIENCE
        mine: list[threading.Lock] = []
        for lock in self._locks():
            if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
                break  # something takes very long; a fork that never comes would be worse
            mine.append(lock)
        self._held = mine

    def after(self) -> None:
        held, self._held = self._held, []
        for lock in reversed(held):
            lock.release()

    def after_in_child(self) -> None:
        for connections in list(_live):
            connections.abandon()
        _live.clear()
        self.after()

    def _locks(self) -> Iterator[threading.Lock]:
        yield self._turn
        yield _changing_live
        for connections in list(_live):
            yield from connections.locks()


_PATIENCE = 10.0
"""Seconds that a fork waits for writers and readers."""

if hasattr(os, "register_at_fork"):
    _fork = _Fork()
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.after, after_in_child=_fork.after_in_child)
