"""The file of a cassette: one JSON object per line, only ever appended to.

A process that is killed while it writes loses the line that it was writing; whoever writes next marks what there is of
it as cut. Lines are appended by one call of the operating system each, so that several processes may write at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from retrieverkit.regular_files import read_regular
from retrieverkit_core.errors import CassetteError

VERSION = 1

_HEAD = "retrieverkit_cassette"
_CUT = b"\x18"
"""Ends a line that was not written to its end: the control character for "cancel", which JSON never holds as it is."""


class Line(NamedTuple):
    """A line of a cassette.

    Attributes:
        number: Counted from 1.
        told: The JSON object.
    """

    number: int
    told: dict[str, Any]


class Contents(NamedTuple):
    """What is on a cassette.

    Attributes:
        lines: The lines, without those that say the version and those that were cut.
        unended: What must come before the next line: the end of the last one.
        begun: Whether it says its version.
    """

    lines: list[Line]
    unended: bytes
    begun: bool


NOTHING = Contents([], b"", False)


def read(path: Path) -> Contents:
    """Return what is on a cassette; nothing where the file is empty.

    Raises:
        FileNotFoundError: There is none.
        CassetteError: It cannot be read, is not a cassette, or is damaged.
    """
    try:
        data = read_regular(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CassetteError(path, f"it cannot be read: {error.strerror or error}") from error
    *whole, last = data.split(b"\n")
    unended = b""
    if last.strip():
        ends_well = _is_object(last)
        unended = b"\n" if ends_well else _CUT + b"\n"
        whole += [last] if ends_well else [last + _CUT]
    lines = list(_checked(path, whole))
    return Contents([line for line in lines if _HEAD not in line.told], unended, bool(lines))


def _checked(path: Path, raw: list[bytes]) -> Iterator[Line]:
    """Yield what is on the lines; the first says the version, and others may where several began the file at once."""
    first = True
    for number, line in enumerate(raw, 1):
        line = line.rstrip()  # an editor or a checkout may have put \r there
        if not line or line.endswith(_CUT):
            continue
        try:
            told = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            told = error
        if isinstance(told, dict) and _HEAD in told:
            _check_version(path, told[_HEAD])
            yield Line(number, told)
        elif first:
            raise CassetteError(path, "it is not a cassette", fix="name another file; this one was not touched")
        elif not isinstance(told, dict):
            raise CassetteError(path, f"line {number} is damaged", line=number, fix=MEND)
        else:
            yield Line(number, told)
        first = False


MEND = "delete the line, and record that call again by mode='auto'; or put the file back from version control"


def _check_version(path: Path, version: object) -> None:
    if version != VERSION:
        raise CassetteError(path, f"it is of version {version!r}; this is {VERSION}", fix="update retrieverkit")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8")), dict)
    except (ValueError, RecursionError):
        return False


class Appender:
    """A cassette that is written to. Not safe for threads: its user holds a lock.

    Args:
        path: The file; made with its folder where it is not there.
        unended: What `read` says must come before the next line.
        begins: Whether the file says its version yet.
        afresh: Whether what is on it is removed.

    Raises:
        CassetteError: It cannot be written.
    """

    def __init__(self, path: Path, unended: bytes, *, begins: bool, afresh: bool) -> None:
        self._path = path
        self._before = b"" if afresh else unended
        self._descriptor: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(path, flags, 0o644)
            if afresh:
                os.ftruncate(self._descriptor, 0)
        except OSError as error:
            self.close()
            raise self._failure(error) from error
        if begins or afresh:
            self.append({_HEAD: VERSION})

    def append(self, told: dict[str, Any]) -> None:
        """Write a line.

        Raises:
            CassetteError: It cannot be written; the line is not on the cassette.
        """
        data = self._before + _encoded(told) + b"\n"
        try:
            if self._descriptor is None:
                raise OSError("it is closed")
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._before = _CUT + b"\n"
            raise self._failure(error) from error
        self._before = b""

    def close(self) -> None:
        """Make sure that what was written is on the disk, and close the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            os.close(descriptor)

    def _failure(self, error: OSError) -> CassetteError:
        return CassetteError(self._path, f"it cannot be written: {error.strerror or error}")


def _encoded(told: dict[str, Any]) -> bytes:
    try:
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair is no character, but JSON has a way to write it
        return json.dumps(told, separators=(",", ":")).encode("ascii")
