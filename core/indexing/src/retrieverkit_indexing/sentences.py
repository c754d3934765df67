"""A text's sentences, and where they stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_RULES_VERSION = 1
_SEGMENTED_CHARS = 10_000
"""The most that is cut into sentences at once: the time it takes grows with the square of what is between quotes."""

_LAST_SPACE = re.compile(r"\s(?=\S*\Z)")
_BLANK_LINE = re.compile(r"\n\s*\n")


@cache
def version() -> str:
    """Return what the boundaries depend on beside the text and its language."""
    from importlib.metadata import version as version_of

    return f"sentencex {version_of('sentencex')}, rules {_RULES_VERSION}"


def sentences(text: str, language: str, *, longest: int) -> Iterator[str]:
    """Yield the sentences of ``text`` in their order, none of them blank.

    Args:
        text: The text. Blank lines end sentences too.
        language: Its language, an ISO 639-1 code, which says what is an abbreviation.
        longest: The most characters of one. What is longer, such as a table or code, is cut where words end.
    """
    return (text[start:end] for start, end in sentence_spans(text, language, longest=longest))


def sentence_spans(text: str, language: str, *, longest: int) -> Iterator[tuple[int, int]]:
    """Yield where each of `sentences` begins and ends; only white space lies between them."""
    from sentencex import segment

    for paragraph in _paragraphs(text):
        for start, end in _cut(text, *paragraph, _SEGMENTED_CHARS):
            at = start
            for sentence in segment(language, text[start:end]):
                begin = text.index(sentence, at, end)
                yield from _cut(text, at, begin + len(sentence), longest)
                at = begin + len(sentence)
            yield from _cut(text, at, end, longest)


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where what stands between blank lines begins and ends."""
    start = 0
    for blank in _BLANK_LINE.finditer(text):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)


def _cut(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    """Yield where the pieces of ``text[start:end]`` begin and end, without the white space around them."""
    start, end = _stripped(text, start, end)
    while end - start > longest:
        space = _LAST_SPACE.search(text, start, start + longest)
        cut = space.start() if space and space.start() > start else start + longest
        yield _stripped(text, start, cut)
        start, end = _stripped(text, cut, end)
    if start < end:
        yield start, end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
