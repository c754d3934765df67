"""The part of a text that answers a query best, and where the query's words are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Span = tuple[int, int]
"""The first character and the one behind the last."""

_LEAD = 40
"""How many characters in front of the first word that matches are shown at most, to give it a context."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text in one line.

    Attributes:
        text: The part, with an ellipsis where it was cut.
        matches: Where words of the query are in it.
    """

    text: str
    matches: tuple[Span, ...]


class _Terms(Protocol):
    def terms(self, text: str) -> list[str]: ...


class _LowerCaseWords:
    """What stands in for the analyzer where its stemmer is not installed."""

    def terms(self, text: str) -> list[str]:
        from retrieverkit_indexing.analysis import words_pattern

        return words_pattern().findall(text.casefold())


class PassageFinder:
    """Finds the best passage for one query.

    Args:
        query: The query.
    """

    def __init__(self, query: str) -> None:
        self._analyzer = _analyzer()
        self._wanted = frozenset(self._analyzer.terms(query[:_LONGEST_QUERY]))

    def best(self, text: str, length: int) -> Passage:
        """Return the passage of at most about ``length`` characters with the most of the query's words.

        Different words count before repeated ones; among equals the first passage is taken.
        """
        text = " ".join(text.split())
        found = list(self._matches(text)) if self._wanted else []
        first, last = _cut(text, _densest(found, length), length)
        matches = [span for span, _ in found if first <= span[0] and span[1] <= last]
        before, after = "…" if first > 0 else "", "…" if last < len(text) else ""
        shift = len(before) - first
        return Passage(
            f"{before}{text[first:last]}{after}", tuple((start + shift, end + shift) for start, end in _joined(matches))
        )

    def marked(self, text: str) -> Passage:
        """Return the whole of a text with the query's words marked."""
        return Passage(text, tuple(_joined([span for span, _ in self._matches(text)] if self._wanted else [])))

    def best_lines(self, lines: Sequence[str], most: int) -> tuple[range, int]:
        """Return which ``most`` neighbouring lines hold the most of the query's words, and which line of them does.

        Different words count before repeated ones. Among equals the line that answers has one line before it.
        """
        found = [[term for _, term in self._matches(line)] if self._wanted else [] for line in lines]
        best, best_value = (range(min(most, len(lines))), 0), (-1, 0, 0)
        for first in range(max(len(lines) - most, 0) + 1):
            window = range(first, min(first + most, len(lines)))
            terms = [term for at in window for term in found[at]]
            line = max(window, key=lambda at: (len(set(found[at])), len(found[at]), -at), default=first)
            value = (len(set(terms)), len(terms), -abs(line - first - 1) if terms else 0)
            if value > best_value:
                best, best_value = (window, line), value
        return best

    def _matches(self, text: str) -> Iterator[tuple[Span, str]]:
        """Yield where a word of the query is, and which."""
        from retrieverkit_indexing.analysis import words_pattern

        for word in words_pattern().finditer(text):
            terms = self._analyzer.terms(word[0])
            if len(terms) == 1 and terms[0] in self._wanted:
                yield word.span(), terms[0]
            elif len(terms) > 1 and not self._wanted.isdisjoint(terms):
                yield from self._pairs(word.start(), word[0])

    def _pairs(self, start: int, word: str) -> Iterator[tuple[Span, str]]:
        """Yield the matches inside of a run of characters that shows no words, as Chinese does."""
        for at in range(len(word) - 1):
            for term in self._analyzer.terms(word[at : at + 2]):
                if term in self._wanted:
                    yield (start + at, start + at + 2), term


_LONGEST_QUERY = 10_000
"""Characters of the query that are looked for in hits."""


def _analyzer() -> _Terms:
    from retrieverkit_core.errors import MissingServiceError
    from retrieverkit_indexing.analysis import Analyzer

    try:
        analyzer = Analyzer()
        analyzer.terms("words")
    except MissingServiceError:
        return _LowerCaseWords()
    return analyzer


def _densest(found: Sequence[tuple[Span, str]], length: int) -> Span:
    """Return the span of ``length`` characters or less that holds the most matches."""
    best, best_value, start = (0, 0), (0, 0), 0
    inside: dict[str, int] = {}
    for number, ((_, end), term) in enumerate(found):
        inside[term] = inside.get(term, 0) + 1
        while end - found[start][0][0] > length and start < number:
            left = found[start][1]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            start += 1
        value = (len(inside), number + 1 - start)
        if value > best_value:
            best, best_value = (found[start][0][0], end), value
    return best


def _cut(text: str, core: Span, length: int) -> Span:
    """Return the part of ``text`` to show around ``core``, cut between words."""
    if len(text) <= length:
        return 0, len(text)
    room = max(length - (core[1] - core[0]), 0)
    first = max(core[0] - min(_LEAD, room), 0)
    last = min(first + length, len(text))
    first = max(min(first, last - length), 0)
    return _word_start(text, first, core[0]), _word_end(text, last, core[1])


def _word_start(text: str, at: int, limit: int) -> int:
    if at == 0 or text[at - 1] == " ":
        return at
    space = text.find(" ", at, limit)
    return at if space < 0 else space + 1


def _word_end(text: str, at: int, limit: int) -> int:
    if at == len(text) or text[at] == " ":
        return at
    space = text.rfind(" ", limit, at)
    return at if space <= 0 else space


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
