"""Letters with and without accents: people write both, and mean one word."""

from __future__ import annotations

import unicodedata
from functools import cache

_OWN_LETTERS = {
    "da": "åæø",
    "es": "ñ",
    "et": "äõöü",
    "eu": "ñ",
    "fi": "äåö",
    "gl": "ñ",
    "hu": "öőüű",
    "no": "åæø",
    "sv": "äåö",
    "tr": "çğıöşü",
}
"""Letters that are letters of their own in a language, whose words differ by them alone."""

_TONAL = frozenset({"vi", "yo"})
"""Languages whose marks tell tones, and with them words."""

_LETTERS = {"æ": "ae", "œ": "oe", "ß": "ss", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th"}


def folded(word: str, language: str) -> str:
    """Return a word in Latin letters without its accents, but for letters of their own in ``language``."""
    if word.isascii() or language in _TONAL:
        return word
    own = _OWN_LETTERS.get(language, "")
    return "".join(letter if letter in own else _plain(letter) for letter in word)


@cache
def _plain(letter: str) -> str:
    if unicodedata.combining(letter):
        return ""
    base = unicodedata.normalize("NFD", letter)[0]
    return _LETTERS.get(base, base)
