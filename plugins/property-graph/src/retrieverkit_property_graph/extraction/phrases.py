"""Noun phrases in a sentence whose capitals say nothing: what stands between stop words, or between particles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from retrieverkit_indexing.analysis import words_pattern
from retrieverkit_property_graph.extraction.mentions import Mention, on_one_line
from retrieverkit_property_graph.extraction.scripts import (
    HAN,
    HANGUL,
    HIRAGANA,
    KATAKANA,
    SPACELESS,
    runs_together,
    spaced_part,
)

MOST_WORDS = 3
"""The most words of a phrase: of a longer run, its last ones."""

_NOUNS = re.compile(f"[{HAN}{KATAKANA}]{{2,12}}")
_HIRAGANA = re.compile(f"[{HIRAGANA}]")
_CHINESE_PARTICLES = re.compile(
    "位于|位於|由于|由於|关于|關於|以及|或者|因为|因為|所以|但是|如果|没有|沒有|可以|已经|已經|自己|我们|我們|他们|他們|"
    "她们|她們|它们|它們|这个|這個|那个|那個|[的了是在和与與及于於为為被把从從到对對有也就不这這那他她它之其以而等个個将將並并]"
)
_KOREAN_NOUN = re.compile(
    f"([{HANGUL}]{{2,12}}?)(?:에서는|에서|으로|에게|까지|부터|은|는|이|가|을|를|의|에|로|와|과|도)(?![{HANGUL}])"
)
_SPACELESS_RUN = re.compile(f"[{SPACELESS}]{{2,}}")
_LONGEST_SPACELESS = 20
_PARTED = re.compile(r"\s*[-‐‑'’]?\s*")


class Phrases:
    """Finds noun phrases.

    In scripts with spaces: runs of two and three words without a stop word. In Chinese: what is between particles; in
    Japanese: runs of Han and Katakana; in Korean: words in front of a particle; in Thai, Lao, Khmer and Myanmar: what
    is between spaces.

    Args:
        is_stop_word: Says of a word whether it ends a phrase.
    """

    def __init__(self, is_stop_word: Callable[[str], bool]) -> None:
        self._is_stop_word = is_stop_word

    def find(self, sentence: str) -> Iterator[Mention]:
        """Yield the phrases of a sentence, in their order where it is of one script."""
        if runs_together(sentence):
            yield from _between_particles(sentence)
        run: list[re.Match[str]] = []
        for match in words_pattern().finditer(spaced_part(sentence)):
            word = match.group()
            if run and not _PARTED.fullmatch(sentence, run[-1].end(), match.start()):
                yield from _phrase(sentence, run)
                run = []
            if word[0].isdecimal() or self._is_stop_word(word):
                yield from _phrase(sentence, run)
                run = []
            else:
                run.append(match)
        yield from _phrase(sentence, run)


def _phrase(sentence: str, run: list[re.Match[str]]) -> Iterator[Mention]:
    if len(run) > 1:
        start, end = run[-MOST_WORDS:][0].start(), run[-1].end()
        yield Mention(start, end, on_one_line(sentence[start:end]))


def _between_particles(sentence: str) -> Iterator[Mention]:
    is_japanese = _HIRAGANA.search(sentence) is not None
    particles = () if is_japanese else [match.span() for match in _CHINESE_PARTICLES.finditer(sentence)]
    start = 0
    for particle_start, particle_end in (*particles, (len(sentence), len(sentence))):
        for match in _NOUNS.finditer(sentence, start, particle_start):
            yield Mention(match.start(), match.end(), match.group())
        start = particle_end
    for match in _KOREAN_NOUN.finditer(sentence):
        yield Mention(match.start(1), match.end(1), match.group(1))
    for match in _SPACELESS_RUN.finditer(sentence):
        if len(match.group()) <= _LONGEST_SPACELESS:
            yield Mention(match.start(), match.end(), match.group())
