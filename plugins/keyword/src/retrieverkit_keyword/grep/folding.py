"""Texts without their case, and what of a text goes into the trigrams."""

from __future__ import annotations

_NOT_KEPT = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}
"""What SQLite does not keep in a text: it ends at a NUL, and has no lone surrogates."""


def folded(text: str) -> str:
    """Return a text without its case: Unicode's full case folding, and every i of Turkish is one letter.

    ``ß`` is ``ss``, ``ﬁ`` is ``fi``. What Python's `re` and `regex` take for one letter when they ignore case is one
    letter here. Folding is letter by letter, so that a part of a text is found in it folded as before.
    """
    return text.casefold() if text.isascii() else _with_one_i(text).casefold()


def _with_one_i(text: str) -> str:
    return text.replace("İ", "i").replace("ı", "i")


def origins(text: str) -> list[int]:
    """Return for each letter of the folded text, and for its end, where in ``text`` it comes from."""
    places = [at for at, letter in enumerate(text) for _ in folded(letter)]
    return [*places, len(text)]


def for_trigrams(text: str) -> str:
    """Return a text as its trigrams are kept: folded, and without what SQLite cannot keep."""
    if text.isascii() and "\0" not in text:
        return text.casefold()
    return folded(text).translate(_NOT_KEPT)
