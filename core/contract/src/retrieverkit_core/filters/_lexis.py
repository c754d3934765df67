"""What may stand in a filter text at all, checked word by word before Python's parser sees it.

Python's reader would pass over some of it in silence: a comment would hide the rest of a line, two strings
side by side would become one, an unknown escape would stand for itself. Here each is an error.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
import unicodedata
from itertools import accumulate

from retrieverkit_core.errors import FilterSyntaxError, shorten
from retrieverkit_core.filters._text import CONSTANTS

MAX_CHARS = 100_000
"""The longest filter text that is read, in characters."""

_MAX_BRACKETS = 150
_WORDS = frozenset({"and", "or", "not", "in", "None", "True", "False"})
_MARKS = frozenset({"(", ")", "[", "]", ",", ".", "-", "<", ">", "<=", ">=", "==", "!="})
_INSTEAD = {
    "=": "write == to compare",
    "=>": "write >=",
    "=<": "write <=",
    "<>": "write !=",
    "&": "write and",
    "|": "write or",
    "~": "write not",
    "is": "write == or !=",
    "{": "write a list in [ ]",
    "+": "leave the + out",
}
_INSTEAD_OF_JSON = "write it as text, such as amount > 100; JSON is read by MetadataFilters.model_validate_json"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_DATE = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z?)?")
_ESCAPE = re.compile(r"\\(?:[\n\\'\"abfnrtvxNuU]|(.))", re.DOTALL)


class SourceText:
    """A filter text and where its lines begin.

    Attributes:
        text: The text without the space around it.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip(" \t\n")
        self._original = text
        self._margin = len(text) - len(text.lstrip(" \t\n"))
        self._lines = self.text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]

    def error(self, problem: str, line: int, offset: int, fix: str = "") -> FilterSyntaxError:
        """Return the error for what is at ``offset`` characters in ``line``, the first being 1."""
        line = min(max(line, 1), len(self._lines))
        column = self._margin + self._starts[line - 1] + max(offset, 0) + 1
        return FilterSyntaxError(problem, text=self._original, column=min(column, len(self._original) + 1), fix=fix)

    def error_at_byte(self, problem: str, line: int, offset: int, fix: str = "") -> FilterSyntaxError:
        """As `error`, with the offset counted in UTF-8 bytes, as syntax trees do."""
        return self.error(problem, line, len(self._lines[line - 1].encode()[:offset].decode(errors="ignore")), fix)

    def check(self) -> bool:
        """Check every word.

        Returns:
            Whether the text could be read to its end; if not, Python's parser is to say why.

        Raises:
            FilterSyntaxError: Something is in it that no filter text has.
        """
        if odd := _UNPRINTABLE.search(self.text):
            line = self.text.count("\n", 0, odd.start()) + 1
            problem, fix = "half a surrogate pair is not text", ""
            if odd[0] < "\ud800":
                problem = "a control character cannot stand here"
                fix = f"write {ascii(odd[0])[1:-1]} in quotes"
            raise self.error(problem, line, odd.start() - self._starts[line - 1], fix)
        if date := _DATE.search(_STRING.sub(lambda string: "." * len(string[0]), self.text)):
            line = self.text.count("\n", 0, date.start()) + 1
            offset = date.start() - self._starts[line - 1]
            raise self.error("a date stands in quotes", line, offset, f"write '{date[0]}'")
        try:
            self._check_tokens()
        except (tokenize.TokenError, SyntaxError):
            return False
        return True

    def _check_tokens(self) -> None:
        depth = 0
        before: tokenize.TokenInfo | None = None
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.ERRORTOKEN:
                raise tokenize.TokenError
            if token.type == tokenize.OP:
                depth += (token.string in "([") - (token.string in ")]")
                if depth > _MAX_BRACKETS:
                    raise self.error("brackets are nested too deeply", *token.start)
            self._check_token(token, before)
            if token.type != tokenize.NL:
                before = token

    def _check_token(self, token: tokenize.TokenInfo, before: tokenize.TokenInfo | None) -> None:
        kind, text = token.type, token.string
        if kind == tokenize.COMMENT:
            raise self.error(
                "a filter text has no comments", *token.start, fix="leave it out, or put the # into quotes"
            )
        if kind == tokenize.NEWLINE and text:
            raise self.error(
                "the text ends with its first line", *token.start, fix="put several lines into brackets ( )"
            )
        if kind == tokenize.NAME:
            self._check_name(token, before)
        if kind == tokenize.STRING:
            self._check_string(token, before)
        if kind == tokenize.OP and text not in _MARKS:
            pair = text + token.line[token.end[1] : token.end[1] + 1]
            fix = _INSTEAD_OF_JSON if text == "{" and before is None else _INSTEAD.get(pair, _INSTEAD.get(text, ""))
            raise self.error(f"unexpected {text!r}", *token.start, fix=fix)

    def _check_name(self, token: tokenize.TokenInfo, before: tokenize.TokenInfo | None) -> None:
        name = token.string
        if before is not None and before.type == tokenize.NUMBER and before.end == token.start:
            raise self.error("a number runs into a word", *token.start, fix="put a space between them")
        if keyword.iskeyword(name) and name not in _WORDS:
            fix = _INSTEAD.get(name, f"quote it if it is a field: '{name}'")
            raise self.error(f"{name!r} is a reserved word", *token.start, fix=fix)
        if unicodedata.normalize("NFKC", name) != name:
            fix = f"quote it: {name!r}"
            raise self.error(
                f"the field {shorten(name)!r} has characters that are read in more than one way",
                *token.start,
                fix,
            )

    def _check_string(self, token: tokenize.TokenInfo, before: tokenize.TokenInfo | None) -> None:
        if token.string[0] not in "'\"":
            raise self.error("a string has no letter in front of its quotes", *token.start, fix="leave the letter out")
        if before is not None and before.type == tokenize.STRING:
            raise self.error("two strings side by side", *token.start, fix="put a comma between them")
        for escape in _ESCAPE.finditer(token.string):
            if escape[1] is not None:
                fix = "write \\\\ for a backslash"
                raise self.error(
                    f"{escape[0]!a} is not an escape", token.start[0], token.start[1] + escape.start(), fix
                )


def hint(text: str) -> str:
    """Return what may be wrong with a text that Python's parser refuses."""
    shouted = sorted({"AND", "OR", "NOT", "IN"} & set(re.findall(r"\b[A-Z]+\b", text)))
    if shouted:
        return f"write {', '.join(shouted).lower()} in small letters"
    return "a filter looks like year >= 1960 and lang in ['de', 'fr'] and not is_empty(title)"


def constant_meant(name: str) -> str | None:
    """Return the constant that ``name`` is another spelling of, or None."""
    return name.lower() if name not in CONSTANTS and name.lower() in ("null", "none", "true", "false") else None
