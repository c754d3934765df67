"""How large a regular expression becomes when the engine writes out its repetitions."""

from __future__ import annotations

import re

MAX_COPIES = 100_000
"""More parts than this are refused: the engine takes some 300 bytes for each, before any limit of time holds."""

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|\{(?P<least>\d+)(?:,\d*)?\}|(?P<opens>\()|(?P<closes>\))|.", re.S)


def copies(pattern: str) -> int:
    """Return of how many parts a pattern consists: ``(ab){3}`` of 6, as each repetition that must be is written out."""
    outer: list[int] = []
    size = last = 0
    for token in _TOKEN.finditer(pattern):
        if token["least"] is not None:
            repeated = last * max(int(token["least"]), 1)
            size, last = size - last + repeated, repeated
        elif token["opens"]:
            outer.append(size)
            size = last = 0
        elif token["closes"] and outer:
            size, last = outer.pop() + size, size
        else:
            size, last = size + 1, 1
    return size + sum(outer)
