"""What is looked for: a literal or a regular expression, with or without case, alone or in other words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

import regex

from retrieverkit_core.errors import QueryError, shorten
from retrieverkit_keyword.grep.copies import MAX_COPIES, copies
from retrieverkit_keyword.grep.folding import folded, origins
from retrieverkit_keyword.grep.options import Case
from retrieverkit_keyword.grep.patience import patiently
from retrieverkit_keyword.grep.required import Every, required

T = TypeVar("T")
Span = tuple[int, int]
"""The beginning and the end of a match."""

MAX_PATTERN_CHARS = 10_000
"""The longest regular expression; a literal may be as long as a query."""

_SHOWN = 60
_OF_WORDS = regex.compile(r"\w")
"""Letters, marks on them, digits and underscores, as expressions take them."""
_OF_CASE = regex.compile(
    r"\\p\{\^?(?:l[ult]|upper\w*|lower\w*|(?:upper|lower|title)case_?letter)\}|\[:\^?(?:upper|lower):\]", regex.I
)
"""What in an expression asks for capitals, or for small letters, without having one."""
_NO_LETTERS = regex.compile(
    r"\\[pPN]\{[^}]*\}|\\g<\w+>|\\.|\(\?(?:#[^)]*\)|P?<\w+>|P[=>]\w+|&\w+|[a-zA-Z0-9-]+[:)])", regex.S
)
"""What in an expression has capitals and does not stand for them: escapes, names of groups, flags, comments."""


class PatternError(QueryError):
    """A regular expression cannot be read.

    Attributes:
        column: Where the trouble is, counted from 1.
    """

    code = "pattern"

    def __init__(self, problem: str, *, pattern: str, column: int) -> None:
        self.column = column
        start = max(0, column - 1 - _SHOWN // 2)
        shown = "".join(c if c.isprintable() else " " for c in pattern[start : start + _SHOWN])
        pointer = " " * (column - 1 - start) + "^"
        super().__init__(
            f"the regular expression cannot be read: {problem} (column {column})\n  {shown}\n  {pointer}",
            fix="put a backslash before a character that stands for itself, or search without regex",
        )


class Matcher(ABC):
    """Finds matches in a text.

    Attributes:
        needs: What must be in a text for it to match.
    """

    needs: Every

    @abstractmethod
    def used(self, text: str, until: float, use: Callable[[Iterator[Span]], T]) -> T:
        """Return what ``use`` makes of the matches, from left to right; none overlaps another.

        Args:
            text: The text.
            until: When to give up, on the clock `time.monotonic`.
            use: Is given the matches; again from the start where they take long.

        Raises:
            TimeoutError: It is given up.
        """

    def count(self, text: str, until: float) -> int:
        """Return how many matches there are.

        Args:
            text: The text.
            until: When to give up, on the clock `time.monotonic`.

        Raises:
            TimeoutError: It is given up.
        """
        return self.used(text, until, lambda spans: sum(1 for _ in spans))


def matcher(query: str, *, is_regex: bool, case: Case, word: bool) -> Matcher:
    """Return what finds a query.

    Raises:
        PatternError: It is not a regular expression.
        QueryError: The regular expression is too long.
    """
    ignores = case == "ignore" or (case == "smart" and not _has_capital(query, is_regex))
    return _Expression(query, ignores, word) if is_regex else _Literal(query, ignores, word)


def _has_capital(query: str, is_regex: bool) -> bool:
    if is_regex and _OF_CASE.search(query):
        return True
    text = _NO_LETTERS.sub("", query) if is_regex else query
    return any(letter.isupper() for letter in text)


class _Literal(Matcher):
    def __init__(self, literal: str, ignores_case: bool, word: bool) -> None:
        self._ignores, self._word = ignores_case, word
        self._literal = folded(literal) if ignores_case else literal
        self.needs = Every((literal,))

    def count(self, text: str, until: float) -> int:
        if self._word:
            return super().count(text, until)
        return (folded(text) if self._ignores else text).count(self._literal)

    def used(self, text: str, until: float, use: Callable[[Iterator[Span]], T]) -> T:
        return use(self._spans(text))

    def _spans(self, text: str) -> Iterator[Span]:
        searched = folded(text) if self._ignores else text
        if len(searched) == len(text):
            yield from self._found(searched)
            return
        places = origins(text)
        for start, end in self._found(searched):
            yield places[start], places[end - 1] + 1

    def _found(self, text: str) -> Iterator[Span]:
        literal = self._literal
        size, at = len(literal), text.find(literal)
        while at >= 0:
            if not self._word or _stands_alone(text, at, at + size):
                yield at, at + size
                at = text.find(literal, at + size)
            else:
                at = text.find(literal, at + 1)


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (_in_word(text[start - 1 : start]) or _in_word(text[end : end + 1]))


def _in_word(letter: str) -> bool:
    return _OF_WORDS.match(letter) is not None


class _Expression(Matcher):
    def __init__(self, pattern: str, ignores_case: bool, word: bool) -> None:
        flags = regex.MULTILINE | regex.IGNORECASE if ignores_case else regex.MULTILINE
        self._compiled = _compiled(pattern, flags, word)
        self.needs = required(pattern)

    def used(self, text: str, until: float, use: Callable[[Iterator[Span]], T]) -> T:
        def work(seconds: float) -> T:
            spans = (found.span() for found in self._compiled.finditer(text, timeout=seconds, concurrent=True))
            return use(iter(sorted(spans)) if self._compiled.flags & regex.REVERSE else spans)

        return patiently(until, work)


def _compiled(pattern: str, flags: int, word: bool) -> regex.Pattern[str]:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise QueryError(
            f"the regular expression {shorten(pattern, 40)!r} has {len(pattern):,} characters; "
            f"{MAX_PATTERN_CHARS:,} are the most",
            fix="search for a part of it, or for a literal",
        )
    if (parts := copies(pattern)) > MAX_COPIES:
        problem = f"its repetitions make {parts:,} parts of it; {MAX_COPIES:,} are the most"
        raise PatternError(problem, pattern=pattern, column=pattern.find("{") + 1)
    try:
        alone = regex.compile(pattern, flags)
        end = "\n" if alone.flags & regex.VERBOSE else ""  # a comment may stand last
        return regex.compile(rf"(?<!\w)(?:{pattern}{end})(?!\w)", flags) if word else alone
    except regex.error as error:
        at = getattr(error, "pos", None) or 0
        raise PatternError(str(getattr(error, "msg", error)), pattern=pattern, column=at + 1) from None
    except (RecursionError, OverflowError, MemoryError) as error:
        raise PatternError(f"it is too deep or too large ({type(error).__name__})", pattern=pattern, column=1) from None
