"""Scripts without capitals whose words are not parted by spaces, or, in Korean, not from their particles."""

from __future__ import annotations

import re

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA = "\u3041-\u309f"
KATAKANA = "\u30a1-\u30fa\u30fc"
HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7ff"
SPACELESS = "\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
"""Thai, Lao, Myanmar, Khmer."""

_RUN_TOGETHER = re.compile(f"[{HAN}{HIRAGANA}{KATAKANA}{HANGUL}{SPACELESS}]")


def runs_together(text: str) -> bool:
    """Return whether some of a text is in these scripts."""
    return not text.isascii() and _RUN_TOGETHER.search(text) is not None


def spaced_part(text: str) -> str:
    """Return a text of the same length that has, in the place of each letter of these scripts, what is in no word."""
    return text if text.isascii() else _RUN_TOGETHER.sub("\0", text)
