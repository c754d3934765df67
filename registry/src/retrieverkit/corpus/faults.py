"""The one place where errors of SQLite and the file system become errors of RetrieverKit."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from retrieverkit_core.errors import (
    CorpusBusyError,
    CorpusError,
    CorruptCorpusError,
    NotACorpusError,
    ReadOnlyCorpusError,
    StorageFullError,
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PRIMARY = 0xFF
"""An extended result code of SQLite holds the primary one in its low byte."""

_NO_SPACE = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""What SQLite reports where the system refuses to make a file longer for another reason than ENOSPC."""

_DAMAGED_READ = frozenset({sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS})


def typed_error(error: Exception, path: Path) -> CorpusError:
    """Return the error of RetrieverKit for what SQLite, the file system or the decoding of a row raised.

    Args:
        error: The error that was caught; the caller chains it.
        path: The corpus file.
    """
    if isinstance(error, CorpusError):
        return error
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, path)
    if isinstance(error, OSError):
        return _from_system(error, path)
    return corrupt(path, f"a row cannot be read ({type(error).__name__}: {error})")


def corrupt(path: Path, detail: str) -> CorruptCorpusError:
    """Return the error for a damaged corpus."""
    return CorruptCorpusError(
        f"the corpus {path} is damaged: {detail}",
        fix="put back a copy of the folder, or index the documents again into a new folder; "
        "'retriever doctor' lists the damage",
    )


def read_only(path: Path, detail: str) -> ReadOnlyCorpusError:
    """Return the error for a write, or a read that needs one, where writing is not possible."""
    return ReadOnlyCorpusError(
        f"the corpus {path} cannot be written: {detail}",
        fix="make the folder and its files writable for this user, or work on a copy of the folder",
    )


def full(path: Path, detail: object) -> StorageFullError:
    """Return the error for a disk without space."""
    return StorageFullError(
        f"no space left to write the corpus {path}: {detail}",
        fix="free space on the disk or raise the limit, then repeat the call; what was stored before is intact",
    )


def busy(path: Path, seconds: float) -> CorpusBusyError:
    """Return the error for a write lock that another thread or process keeps."""
    return CorpusBusyError(
        f"the corpus {path} is being written by another thread or process and did not become free in {seconds:g} s",
        fix="repeat the call later, or stop the other writer",
    )


def _from_sqlite(error: sqlite3.Error, path: Path) -> CorpusError:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = code & _PRIMARY
    if primary == sqlite3.SQLITE_FULL or code in _NO_SPACE:
        return full(path, error)
    if primary == sqlite3.SQLITE_NOTADB:
        return NotACorpusError(f"{path} is not a corpus: {error}", fix="name the folder of a corpus")
    if primary == sqlite3.SQLITE_CORRUPT or code in _DAMAGED_READ or "decode to UTF-8" in str(error):
        return corrupt(path, str(error))
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CorpusBusyError(f"the corpus {path} is locked by another program", fix="repeat the call later")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return read_only(path, str(error))
    return CorpusError(f"the corpus {path} cannot be used: {error} ({name})")


def _from_system(error: OSError, path: Path) -> CorpusError:
    if error.errno in _FULL:
        return full(path, error)
    if error.errno in _READ_ONLY:
        return read_only(path, str(error))
    return CorpusError(f"the corpus {path} cannot be used: {error}")
