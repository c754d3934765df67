"""Cuts a mode string into words, numbers, quoted text and punctuation."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from retrieverkit_core.errors import ModeStringError, shorten

MAX_LENGTH = 10_000

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<string>"(?:[^"\\\r\n]|\\[^\r\n])*" | '(?:[^'\\\r\n]|\\[^\r\n])*')
  | (?P<number>[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.-]|\s*:))
  | (?P<word>[A-Za-z0-9_][A-Za-z0-9_.-]*)
  | (?P<mark>[()\[\]{},=:])
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))")
_ESCAPED = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "0": "\0",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "/": "/",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a mode string.

    Attributes:
        kind: ``"word"``, ``"number"``, ``"string"``, ``"end"``, or the punctuation mark itself.
        text: The piece as it is written.
        column: Where it starts, counted from 1.
        value: What a number or a quoted text stands for.
    """

    kind: str
    text: str
    column: int
    value: str | int | float | None = None


def tokenize(text: str) -> Iterator[Token]:
    """Yield the pieces of ``text`` and an end mark.

    Raises:
        ModeStringError: ``text`` is too long or holds what belongs to no piece.
    """
    if len(text) > MAX_LENGTH:
        raise ModeStringError(
            f"the mode string has {len(text):,} characters",
            text=text,
            column=1,
            fix=f"at most {MAX_LENGTH:,} are read; describe the retriever as a dict or in a file",
        )
    if control := _CONTROL.search(text):
        raise _unexpected(text, control.start())
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _unexpected(text, at)
        if found.lastgroup != "space":
            yield _token(found, text)
        at = found.end()
    yield Token("end", "", len(text) + 1)


def _token(found: re.Match[str], text: str) -> Token:
    written, column = found.group(), found.start() + 1
    if found.lastgroup == "string":
        return Token("string", written, column, _unquote(written, text, column))
    if found.lastgroup == "number":
        return Token("number", written, column, _number(written, text, column))
    return Token("word" if found.lastgroup == "word" else written, written, column)


def _number(written: str, text: str, column: int) -> int | float:
    try:
        number = float(written) if re.search(r"[.eE]", written) else int(written)
    except ValueError:
        number = math.nan
    if isinstance(number, float) and not math.isfinite(number):
        raise ModeStringError(f"{shorten(written, 30)!r} is not a number that can be held", text=text, column=column)
    return number


def _unquote(written: str, text: str, column: int) -> str:
    def unescape(escape: re.Match[str]) -> str:
        code = escape[1] or escape[2] or escape[3]
        if code and int(code, 16) <= 0x10FFFF:
            return chr(int(code, 16))
        if not code and escape[4] in _ESCAPED:
            return _ESCAPED[escape[4]]
        raise ModeStringError(
            f"{shorten(escape[0])!r} stands for no character",
            text=text,
            column=column + 1 + escape.start(),
            fix=r"for a backslash write \\",
        )

    return _ESCAPE.sub(unescape, written[1:-1])


def _unexpected(text: str, at: int) -> ModeStringError:
    character = text[at]
    if character in "\"'":
        return ModeStringError(
            "the quoted text is never closed", text=text, column=at + 1, fix=f"add {character} where it ends"
        )
    name = f"U+{ord(character):04X} {unicodedata.name(character, 'CONTROL CHARACTER')}"
    fix = "put text in straight quotes; names are made of a-z, 0-9, _ and -"
    return ModeStringError(f"unexpected character {name}", text=text, column=at + 1, fix=fix)
