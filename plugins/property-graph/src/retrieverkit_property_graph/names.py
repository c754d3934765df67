"""Which spellings name the same entity."""

from __future__ import annotations

import re
import unicodedata

_OF_NAMES = frozenset("#%&@")
"""Punctuation that tells names apart: C# is not C."""

_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
"""What shows nothing and parts nothing: soft hyphens, joiners, marks of direction, selectors of variants."""


def key_of(name: str) -> str:
    """Return what all spellings of a name have in common; blank text has ``""``.

    Unicode's compatible forms, case, white space, punctuation and what is invisible do not count; symbols do, and
    ``# % & @``, so that C, C# and C++ are three names. A name of nothing but punctuation is itself.
    """
    if name.isascii():
        folded = name.lower()
    else:
        shown = _INVISIBLE.sub("", name)
        shown = shown if shown.strip() else name
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    words = folded.translate(_SPACES).split()
    return " ".join(words or folded.split())


class _Spaces(dict[int, str]):
    """By the code of each character what becomes of it: a space for what only parts words."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        only_parts = unicodedata.category(character)[0] in "PCZ" and character not in _OF_NAMES
        self[code] = " " if only_parts else character
        return self[code]


_SPACES = _Spaces()
