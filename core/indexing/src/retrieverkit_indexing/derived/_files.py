"""Reading and hashing the files of an index, which anybody may have put something else in the place of."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

LARGEST_RECORD = 64 << 20
"""How many bytes of a record such as a manifest are read at most."""


class Look(NamedTuple):
    """What a file looks like without reading it.

    ``inode`` changes when the file is replaced, ``size`` and ``changed`` when it is written to, ``status`` also when
    its times, mode or number of links are changed.
    """

    inode: int
    size: int
    changed: int
    status: int

    @property
    def contents(self) -> tuple[int, int, int]:
        """What a change of its contents changes, and a change of its links does not."""
        return self[:3]


class FileMark(NamedTuple):
    """The size of a file in bytes and the hex BLAKE2b of its contents."""

    size: int
    digest: str


def look(path: Path) -> Look:
    """Return what the file looks like.

    Raises:
        OSError: There is none, or it is not a regular file.
    """
    return _look(os.stat(path), path)


def _look(found: os.stat_result, path: Path) -> Look:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a regular file", str(path))
    return Look(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading. A FIFO or a device in its place is refused, and never waited for.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        _look(os.fstat(descriptor), path)
        yield file


def read_record(path: Path) -> bytes:
    """Return what is in a small file.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger than `LARGEST_RECORD`.
    """
    with opened(path) as file:
        data = file.read(LARGEST_RECORD + 1)
    if len(data) > LARGEST_RECORD:
        raise OSError(0, "it is too large", str(path))
    return data


def mark_file(path: Path) -> FileMark:
    """Read the file and return its size and hash.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    with opened(path) as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
        return FileMark(os.fstat(file.fileno()).st_size, digest)


def protect(path: Path) -> None:
    """Take away everybody's right to write into the file. Windows could then not delete it, so not there."""
    if os.name != "nt":
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if mode & 0o222:
            path.chmod(mode & ~0o222)


def replace(path: Path, data: bytes, unfinished: Path) -> None:
    """Put a file in the place of another at once, through ``unfinished``."""
    unfinished.write_bytes(data)
    os.replace(unfinished, path)
