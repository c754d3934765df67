"""A text's sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

MAX_SENTENCE_CHARS = 1000
"""What is longer, such as a table or code, is cut where words end."""

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
        for sentence in segment(language, paragraph):
            yield from _cut(sentence.strip())


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > MAX_SENTENCE_CHARS:
        space = _LAST_SPACE.search(sentence[:MAX_SENTENCE_CHARS])
        at = space.start() if space and space.start() else MAX_SENTENCE_CHARS
        yield sentence[:at].rstrip()
        sentence = sentence[at:].lstrip()
    if sentence:
        yield sentence
