"""A text's sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

MAX_SENTENCE_CHARS = 1000
"""What is longer, such as a table or code, is cut where words end."""

_MAX_SEGMENTED_CHARS = 10_000  # the time that boundaries take grows with the square of what is between quotes
_LAST_SPACE = re.compile(r"\s(?=\S*$)")
_BLANK_LINE = re.compile(r"\n\s*\n")


@cache
def version() -> str:
    """Return what the boundaries depend on."""
    from importlib.metadata import version as version_of

    return f"sentencex {version_of('sentencex')}, {MAX_SENTENCE_CHARS}"


def sentences(text: str, language: str) -> Iterator[str]:
    """Yield the sentences of ``text`` in their order, without blank ones.

    Args:
        text: The text. Blank lines end sentences too.
        language: Its language, an ISO 639-1 code, which says what is an abbreviation.
    """
    from sentencex import segment

    for paragraph in _BLANK_LINE.split(text):
        for part in _cut(paragraph.strip(), _MAX_SEGMENTED_CHARS):
            for sentence in segment(language, part):
                yield from _cut(sentence.strip(), MAX_SENTENCE_CHARS)


def _cut(text: str, most: int) -> Iterator[str]:
    start = 0
    while len(text) - start > most:
        space = _LAST_SPACE.search(text[start : start + most])
        end = start + (space.start() if space and space.start() else most)
        if piece := text[start:end].strip():
            yield piece
        start = end
    if rest := text[start:].strip():
        yield rest
