"""A file's bytes, within limits, and their hash."""

from __future__ import annotations

import os
import stat
from hashlib import blake2b
from typing import BinaryIO, NamedTuple

from retrieverkit.reading.choosing import unsupported
from retrieverkit.reading.decoding import looks_like_text, needs_encoding
from retrieverkit.reading.finding import os_problem
from retrieverkit_core.errors import ReadError, UnsupportedFileError
from retrieverkit_core.readers import SourceFile

MAX_FILE_BYTES = 100 * 1024 * 1024
"""A larger file is refused by name."""

_HEAD_BYTES = 8192
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Not to block keeps a pipe that nobody writes to from holding the process up before it is refused."""


class Content(NamedTuple):
    """What a file holds, and what its folder says of it.

    Attributes:
        data: Its bytes.
        modified: When it was last changed, in seconds since 1970.
    """

    data: bytes
    modified: int

    def fingerprint(self, reader: str, encoding: str | None = None) -> str:
        """Return the BLAKE2b-256 of the bytes in hex; another one for another time, and for another reader.

        Where it depends on the caller's encoding what the bytes say, its name follows after a space.
        """
        read_by = blake2b(f"{self.modified} {reader}".encode(), digest_size=32).digest()
        known = blake2b(self.data, digest_size=32, key=read_by).hexdigest()
        return f"{known} {encoding}" if encoding is not None and needs_encoding(self.data) else known


def load(file: SourceFile, *, known_format: bool) -> Content:
    """Return the content of ``file``.

    Args:
        file: The file.
        known_format: Whether a reader claims its suffix; else it must begin like text.

    Raises:
        UnsupportedFileError: No reader claims the file and it is not text.
        ReadError: It cannot be opened, is not a regular file, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        # The source is resolved, so a symbolic link here was put in its place since it was found.
        with _opened(file.source, getattr(os, "O_NOFOLLOW", 0)) as stream:
            modified = int(os.fstat(stream.fileno()).st_mtime)
            head = stream.read(_HEAD_BYTES)
            if not known_format and not (looks_like_text(head) or _is_text_in(head, file.encoding)):
                problem, fix = unsupported(file)
                raise UnsupportedFileError(file.source, problem, fix=fix)
            rest = stream.read(MAX_FILE_BYTES + 1 - len(head))
    except OSError as error:
        raise ReadError(file.source, os_problem(error)) from error
    if len(head) + len(rest) > MAX_FILE_BYTES:
        raise _too_large(file.source)
    return Content(head + rest, modified)


def load_regular(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file that somebody named.

    Raises:
        ReadError: It cannot be opened, is a device or a pipe, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        with _opened(path) as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # a ValueError: a NUL in the path
        problem = os_problem(error) if isinstance(error, OSError) else str(error)
        raise ReadError(path, problem, fix="check the path") from error
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(path)
    return content


def _is_text_in(head: bytes, encoding: str | None) -> bool:
    return encoding is not None and b"\0" not in head


def _opened(path: str | os.PathLike[str], more_flags: int = 0) -> BinaryIO:
    descriptor = os.open(path, _FLAGS | more_flags)
    try:
        _check(os.fstat(descriptor), path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check(status: os.stat_result, path: object) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ReadError(path, "is a folder", fix="name a file")
    if not stat.S_ISREG(status.st_mode):
        raise ReadError(path, "not a regular file", fix="write its content to a file first")
    if status.st_size > MAX_FILE_BYTES:
        raise _too_large(path)


def _too_large(path: object) -> ReadError:
    limit = MAX_FILE_BYTES // (1024 * 1024)
    return ReadError(path, f"larger than {limit} MB", fix="split the file, or add its text as documents")
