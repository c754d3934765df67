"""The lines of a text file, each with its number."""

from __future__ import annotations

import os
from collections.abc import Iterator

from retrieverkit.reading import load_regular
from retrieverkit_core.errors import ReadError


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of every line that is not blank.

    Args:
        path: A file in UTF-8, with or without a byte order mark.

    Raises:
        ReadError: The file cannot be read or is not a regular one; a line is not UTF-8.
    """
    data = load_regular(path)
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode("utf-8").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise bad_line(path, number, "not UTF-8", "convert the file to UTF-8") from error
        if text.strip():
            yield number, text


def bad_line(path: str | os.PathLike[str], number: int, problem: str, fix: str) -> ReadError:
    """Return the error of a line that cannot be read."""
    return ReadError(path, f"line {number}: {problem}", fix=fix)
