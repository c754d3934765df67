"""Reading files that somebody may have replaced by something else, and writing them so that none is half there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO
from uuid import uuid4


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading; a FIFO or a device is refused instead of waited for.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def read_regular(path: Path, size: int = -1) -> bytes:
    """Return what a file begins with; a FIFO or a device is refused instead of waited for.

    Args:
        path: The file.
        size: At most this many bytes; all if negative.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    with open_regular(path) as file:
        return file.read(size)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it meanwhile, or whatever ends this process, finds the old one or the new.

    Raises:
        OSError: It cannot be written; what was there stays.
    """
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.new")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
