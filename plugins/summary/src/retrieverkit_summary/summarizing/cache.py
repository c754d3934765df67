"""`SummaryCache`: summaries that were made once, by what they were made of, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from retrieverkit_core import deadline
from retrieverkit_core.errors import CorpusBusyError, DeadlineExceededError
from retrieverkit_indexing.cache_file import CacheFile, digest

FILE_NAME = "summaries-1.sqlite3"
"""The number counts the changes to the table below."""

_APPLICATION_ID = 0x524B5343  # "RKSC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS summaries (key BLOB PRIMARY KEY, digest BLOB NOT NULL, text BLOB NOT NULL) WITHOUT ROWID;
"""
_BUSY_SECONDS = 600.0
_log = logging.getLogger("retrieverkit_summary")


def key_of(*parts: str) -> bytes:
    """Return the SHA-256 of some texts, which no other texts have."""
    return hashlib.sha256(json.dumps(parts).encode("ascii")).digest()


class SummaryCache:
    """Summaries by key. Safe to share between threads, processes and forks; see `CacheFile`.

    Args:
        folder: Where the file is kept.
        writable: Whether the folder may be written; if not, what is there is read from a copy.
    """

    def __init__(self, folder: Path, writable: bool = True) -> None:
        self._turns = threading.Lock()
        self._unkept: dict[bytes, str] = {}  # what could not be written is not paid for again by this process
        self._path = Path(folder) / FILE_NAME if writable and _can_be_written(Path(folder)) else None
        path = self._path or _copied(Path(folder) / FILE_NAME, self)
        self._file = CacheFile(path, _TABLES, _APPLICATION_ID, holds="summaries", log=_log)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Run the block while nobody else does in this folder: what two need at the same time is paid for once.

        Raises:
            CorpusBusyError: Somebody else has been at it for ten minutes.
            DeadlineExceededError: Somebody else has been at it until the caller's deadline.
        """
        left = deadline.remaining()
        if self._path is None:
            if not self._turns.acquire(timeout=-1 if left is None else left):
                raise DeadlineExceededError("summarising", None)
            try:
                yield
            finally:
                self._turns.release()
            return
        lock = FileLock(f"{self._path}.turn", timeout=_BUSY_SECONDS if left is None else min(left, _BUSY_SECONDS))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except TimeoutError as error:
            if left is not None and left < _BUSY_SECONDS:
                raise DeadlineExceededError("summarising", None) from error
            raise CorpusBusyError(f"{self._path}: another process has been summarising for ten minutes") from error
        except OSError:  # a folder that cannot be written: nothing is kept there either
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def get(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """Return the summaries that are there, by their keys. Where there is no file, none is made."""
        wanted = list(keys)
        unkept = {key: self._unkept[key] for key in wanted if key in self._unkept}
        if self._path is not None and not self._path.exists():
            return unkept

        def read(connection: sqlite3.Connection) -> dict[bytes, str]:
            found = {}
            for key in wanted:
                row = connection.execute("SELECT digest, text FROM summaries WHERE key = ?", (key,)).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == digest(key, row[1]):
                    found[key] = row[1].decode("utf-8", "surrogatepass")
            return found

        nothing: dict[bytes, str] = {}
        return self._file.use(read, nothing) | unkept

    def put(self, key: bytes, text: str) -> None:
        """Keep a summary."""
        value = text.encode("utf-8", "surrogatepass")

        def write(connection: sqlite3.Connection) -> bool:
            connection.execute("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)", (key, digest(key, value), value))
            return True

        if not self._file.use(write, False):
            self._unkept[key] = text

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        self._file.close()


def _can_be_written(folder: Path) -> bool:
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


_State = tuple[Path, tuple[tuple[int, int], ...]]
_read_only: OrderedDict[_State, SummaryCache] = OrderedDict()
_read_only_guard = threading.Lock()
_REMEMBERED = 16


def cache_of(folder: Path, writable: bool) -> SummaryCache:
    """Return the cache of a folder; where nothing may be written, one for all of the process.

    So what is made there is paid for once per process, and not by each retriever.
    """
    if writable and _can_be_written(Path(folder)):
        return SummaryCache(folder)
    path = Path(os.path.abspath(folder)) / FILE_NAME
    there = [beside for suffix in ("", "-wal") if (beside := path.with_name(path.name + suffix)).is_file()]
    state = path, tuple((beside.stat().st_mtime_ns, beside.stat().st_size) for beside in there)
    with _read_only_guard:
        found = _read_only.pop(state, None) or SummaryCache(path.parent, writable=False)
        _read_only[state] = found
        while len(_read_only) > _REMEMBERED:
            _read_only.popitem(last=False)
    return found


def _after_fork() -> None:
    global _read_only_guard
    _read_only_guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _copied(path: Path, owner: object) -> Path | None:
    """Return a copy of the file in a temporary folder that is there as long as ``owner``; None where there is no file.

    SQLite cannot read beside others without writing beside the file. A copy that was made while somebody wrote is found
    out by the digests.
    """
    if not path.is_file():
        return None
    folder = Path(tempfile.mkdtemp(prefix="retrieverkit-summaries-"))
    weakref.finalize(owner, _remove_own, folder, os.getpid())
    try:
        for suffix in ("", "-wal"):
            beside = path.with_name(path.name + suffix)
            if beside.is_file():
                shutil.copyfile(beside, folder / beside.name)
    except OSError as error:
        _log.warning("%s cannot be read (%s): summaries are made again", path, error)
        return None
    return folder / path.name


def _remove_own(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)
