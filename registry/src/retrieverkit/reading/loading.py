"""A file's bytes, within limits, and their hash."""

from __future__ import annotations

import os
import stat
from hashlib import blake2b

from retrieverkit.reading.decoding import looks_like_text
from retrieverkit.reading.finding import SourceFile
from retrieverkit_core.errors import ReadError, UnsupportedFileError

MAX_FILE_BYTES = 100 * 1024 * 1024
"""A larger file is refused by name."""

_HEAD_BYTES = 8192
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def load(file: SourceFile, *, known_format: bool) -> bytes:
    """Return the content of ``file``.

    Args:
        file: The file.
        known_format: Whether a reader claims its suffix; else it must begin like text.

    Returns:
        All bytes.

    Raises:
        UnsupportedFileError: No reader claims the file and it is not text.
        ReadError: It cannot be opened, is not a regular file, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        # The source is resolved, so a symbolic link here was put in its place since it was found.
        descriptor = os.open(file.source, _FLAGS)
        with open(descriptor, "rb") as stream:
            _check(os.fstat(descriptor), file)
            head = stream.read(_HEAD_BYTES)
            if not known_format and not looks_like_text(head):
                kind = f"{file.suffix} files" if file.suffix else "binary files without a suffix"
                raise UnsupportedFileError(file.source, f"{kind} are not supported")
            rest = stream.read(MAX_FILE_BYTES + 1 - len(head))
    except OSError as error:
        raise ReadError(file.source, (error.strerror or str(error)).lower()) from error
    if len(head) + len(rest) > MAX_FILE_BYTES:
        raise _too_large(file)
    return head + rest


def fingerprint(data: bytes) -> str:
    """Return the BLAKE2b-256 of ``data`` in hex."""
    return blake2b(data, digest_size=32).hexdigest()


def _check(status: os.stat_result, file: SourceFile) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ReadError(file.source, "not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise _too_large(file)


def _too_large(file: SourceFile) -> ReadError:
    limit = MAX_FILE_BYTES // (1024 * 1024)
    return ReadError(file.source, f"larger than {limit} MB", fix="split the file, or add its text as documents")
