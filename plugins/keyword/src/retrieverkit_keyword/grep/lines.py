"""Where in a text the matches are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOST_LINES = 20
"""How many matching lines of a hit are shown."""
MOST_CHARS = 240
"""How much of a line is shown, around its first match."""


def matching_lines(text: str, spans: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    r"""Return the first lines with a match: each with its number, the column of its first match, and what it says.

    Lines end at ``\n`` and are counted from 1, as are columns. A match over several lines is in the first of them.

    Args:
        text: The text.
        spans: The beginning and the end of each match, from left to right.
    """
    told: list[dict[str, Any]] = []
    number, counted, line_end = 1, 0, -1
    for start, _ in spans:
        if start <= line_end:
            continue
        if len(told) == MOST_LINES:
            break
        number += text.count("\n", counted, start)
        counted = start
        begin = text.rfind("\n", max(0, line_end), start) + 1 or (line_end + 1)
        stop = text.find("\n", start)
        line_end = len(text) if stop < 0 else stop
        line = text[begin:line_end].removesuffix("\r")
        told.append({"line": number, "column": start - begin + 1, "text": _cut(line, start - begin)})
    return told


def _cut(line: str, at: int) -> str:
    if len(line) <= MOST_CHARS:
        return line
    first = max(0, min(at - MOST_CHARS // 4, len(line) - MOST_CHARS))
    shown = line[first : first + MOST_CHARS]
    return f"{'…' if first else ''}{shown}{'…' if first + MOST_CHARS < len(line) else ''}"
