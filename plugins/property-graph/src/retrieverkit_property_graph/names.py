"""Which spellings name the same entity."""

from __future__ import annotations

import unicodedata

_OF_NAMES = frozenset("#%&@")
"""Punctuation that tells names apart: C# is not C."""


def key_of(name: str) -> str:
    """Return what all spellings of a name have in common; blank text has ``""``.

    Unicode's compatible forms, case, white space and punctuation do not count; symbols do, and ``# % & @``, so that C,
    C# and C++ are three names. A name of nothing but punctuation is itself.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    words = "".join(" " if _parts(character) else character for character in folded).split()
    return " ".join(words or folded.split())


def _parts(character: str) -> bool:
    """Return whether a character only parts words."""
    return unicodedata.category(character)[0] in "PCZ" and character not in _OF_NAMES
