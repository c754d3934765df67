"""Scripts: which language a word is likely in, and where words run together."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache

LATIN = "latin"

_SCRIPTS = (
    (0x0041, 0x024F, LATIN),
    (0x0370, 0x03FF, "greek"),
    (0x0400, 0x052F, "cyrillic"),
    (0x0530, 0x058F, "armenian"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x06FF, "arabic"),
    (0x0750, 0x077F, "arabic"),
    (0x08A0, 0x08FF, "arabic"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bengali"),
    (0x0A80, 0x0AFF, "gujarati"),
    (0x0B80, 0x0BFF, "tamil"),
    (0x1E00, 0x1EFF, LATIN),
    (0x1F00, 0x1FFF, "greek"),
)
_STARTS = [first for first, _, _ in _SCRIPTS]

_RUN_TOGETHER = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ece"  # Lao
    "\u1000-\u103f\u1050-\u109f"  # Myanmar
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7ff"  # Hangul: words are spaced, but particles are not
    "\u1780-\u17d3"  # Khmer
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # Hiragana, Katakana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
RUNS = re.compile(f"([{_RUN_TOGETHER}]+)")
"""Splits a text into words in other scripts (even places) and runs of characters without word breaks (odd places)."""


def script_of(word: str) -> str:
    """Return the script of the first letter whose script is known, or an empty string."""
    if "a" <= word[:1] <= "z":  # most words of most texts
        return LATIN
    for letter in word:
        place = bisect_right(_STARTS, ord(letter)) - 1
        if place >= 0 and ord(letter) <= _SCRIPTS[place][1]:
            return _SCRIPTS[place][2]
    return ""


@cache
def words_pattern() -> re.Pattern[str]:
    r"""Return the pattern of a word: letters, digits, underscores and the marks on them.

    The marks are named since many scripts write vowels with them and ``\w`` leaves them out.
    """
    marks = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c) in ("Mn", "Mc"))
    return re.compile(f"[\\w{_as_ranges(marks)}]+")


def _as_ranges(characters: str) -> str:
    """Return sorted ``characters`` as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in map(ord, characters):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


UNICODE_VERSION = unicodedata.unidata_version
"""The version of the character tables that decide what a word is."""
