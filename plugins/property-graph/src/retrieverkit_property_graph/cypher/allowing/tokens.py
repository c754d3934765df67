"""A Cypher text in tokens. No character is lost, and none is taken for one that it only looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    WORD = auto()
    ESCAPED = auto()
    STRING = auto()
    NUMBER = auto()
    PARAMETER = auto()
    SYMBOL = auto()
    UNREADABLE = auto()


class Token(NamedTuple):
    """A piece of a text.

    Attributes:
        kind: What it is.
        text: As it is written.
        at: Where it begins, counted from 0.
    """

    kind: Kind
    text: str
    at: int

    def says(self, *words: str) -> bool:
        """Return whether it is one of these keywords or symbols; case does not count."""
        return self.kind in (Kind.WORD, Kind.SYMBOL) and self.text.upper() in words

    @property
    def value(self) -> str:
        """The characters that a string or an escaped name stands for.

        Raises:
            ValueError: An escape is not one.
        """
        inner = self.text[1:-1]
        if self.kind is Kind.ESCAPED:
            return inner.replace("``", "`")
        return _ESCAPE.sub(_unescaped, inner)


_KINDS = re.compile(
    r"""
    (?P<SPACE>[ \t\r\n]+)
  | (?P<COMMENT>//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/)
  | (?P<ESCAPED>`(?:[^`]|``)+`(?!`))
  | (?P<STRING>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<NUMBER>(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_]))
  | (?P<PARAMETER>\$[A-Za-z_][A-Za-z0-9_]*)
  | (?P<WORD>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<SYMBOL><=|>=|<>|=~|\.\.|/(?![*])|[-+*%^=<>()\[\]{},.:|&!;])
  | (?P<UNREADABLE>.)
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"', "`": "`"}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of any text; joined they are the text. What cannot be read is `Kind.UNREADABLE`.

    Words, numbers, symbols and white space are ASCII: a full-width letter or a no-break space is unreadable outside of
    strings, comments and escaped names.
    """
    for match in _KINDS.finditer(text):
        assert match.lastgroup is not None
        yield Token(Kind[match.lastgroup], match.group(), match.start())


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    if escape not in _SINGLE:
        raise ValueError(f"\\{escape} is not an escape")
    return _SINGLE[escape]
