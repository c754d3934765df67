"""Reading tokens one after another, and refusing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from retrieverkit_property_graph.cypher.allowing.limits import Limits
from retrieverkit_property_graph.cypher.allowing.tokens import Kind, Token, tokens
from retrieverkit_property_graph.cypher.errors import CypherRefusedError

_LONGEST_NAME = 64


class Reading:
    """The tokens of a text that are not white space or comments, with a place.

    Args:
        text: The text.
        limits: How long it may be and how deeply nested.

    Raises:
        CypherRefusedError: It is too long, or has what is not a token of Cypher.
    """

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        if len(text) > limits.characters:
            raise CypherRefusedError(
                f"a query has at most {limits.characters} characters", text=text, column=limits.characters + 1
            )
        self._tokens = [token for token in tokens(text) if token.kind not in (Kind.SPACE, Kind.COMMENT)]
        self._names = {token.text.strip("`").lower() for token in self._tokens}
        self._end = Token(Kind.SYMBOL, "", len(text))
        self._at = 0
        self._depth = 0
        self._limits = limits
        for token in self._tokens:
            if token.kind is Kind.UNREADABLE:
                self.refuse(_unreadable(token), at=token)

    def peek(self, ahead: int = 0) -> Token:
        """Return the token ``ahead`` of the place; behind the last one, an empty one."""
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else self._end

    def next(self) -> Token:
        """Return the token at the place, and go on."""
        token = self.peek()
        self._at += 1
        return token

    @property
    def place(self) -> int:
        """The place, for `since`."""
        return self._at

    def since(self, place: int) -> str:
        """Return the text from a former place to what was last read."""
        first, last = self._tokens[place], self._tokens[self._at - 1]
        if first is last and first.kind is Kind.ESCAPED:
            return first.value
        return self._text[first.at : last.at + len(last.text)]

    def has(self, name: str) -> bool:
        """Return whether the text has a name anywhere, in any case."""
        return name in self._names

    def sees(self, *words: str) -> bool:
        """Return whether these keywords or symbols come next, in this order."""
        return all(self.peek(ahead).says(word) for ahead, word in enumerate(words))

    def takes(self, *words: str) -> bool:
        """Go past these keywords or symbols if they come next, in this order; return whether they did."""
        if not self.sees(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, word: str) -> None:
        """Go past a keyword or symbol.

        Raises:
            CypherRefusedError: Something else is there.
        """
        if not self.takes(word):
            self.refuse(f"{word} is missing")

    def name(self, what: str) -> str:
        """Return the name that comes next, plain or escaped: ASCII letters, digits and ``_``.

        Raises:
            CypherRefusedError: There is none, or it has other characters.
        """
        token = self.peek()
        if token.kind not in (Kind.WORD, Kind.ESCAPED):
            self.refuse(f"{what} is missing")
        name = token.value if token.kind is Kind.ESCAPED else token.text
        plain = name.isascii() and name.isidentifier() and len(name) <= _LONGEST_NAME
        if not plain:
            self.refuse(f"{what} is made of at most {_LONGEST_NAME} ASCII letters, digits and _")
        self.next()
        return name

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Read the block one level deeper.

        Raises:
            CypherRefusedError: That is too deep.
        """
        self._depth += 1
        if self._depth > self._limits.depth:
            self.refuse(f"brackets are nested at most {self._limits.depth} deep")
        yield
        self._depth -= 1

    def refuse(self, reason: str, *, at: Token | None = None, fix: str = "") -> NoReturn:
        """Refuse the text.

        Raises:
            CypherRefusedError: Always.
        """
        token = at or self.peek()
        raise CypherRefusedError(reason, text=self._text, column=token.at + 1, fix=fix)


def _unreadable(token: Token) -> str:
    named = {"'": "a string does not end", '"': "a string does not end", "`": "an escaped name does not end"}
    if token.text in named:
        return named[token.text]
    if token.text == "/":
        return "a comment does not end"
    if not token.text.isascii():
        return f"outside of strings all characters are ASCII, and this is U+{ord(token.text):04X}"
    return "this is not Cypher"
