"""Which language texts are in, by their script and their stop words."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from retrieverkit_indexing.analysis._languages import languages_of_script
from retrieverkit_indexing.analysis._scripts import RUNS, script_of, words_pattern
from retrieverkit_indexing.analysis._stopwords import listed

_TEXTS = 300
_CHARS = 1500
_LEAST_HITS = 3.0
_LEAST_SHARE = 0.1
_LEAST_LEAD = 1.25


class Detected(NamedTuple):
    """The language of most texts.

    Attributes:
        language: Its ISO 639-1 code, an empty string where it cannot be told.
        share: The share of texts in that language, of those whose language can be told; 0.0 where none can.
    """

    language: str
    share: float


def detect_language(texts: Sequence[str]) -> Detected:
    """Return the language that most of ``texts`` are in.

    At most 300 texts are looked at, spread evenly, and the first 1,500 characters of each. The answer is the same for
    the same texts. Where each text is too short to tell alone, such as titles, all are taken together.

    Args:
        texts: The texts of a corpus.

    Raises:
        MissingServiceError: The ``analysis`` extra is not installed.
    """
    step = max(1, math.ceil(len(texts) / _TEXTS))
    samples = [Counter(_tokens(texts[place][:_CHARS])) for place in range(0, len(texts), step)]
    votes = Counter(filter(None, map(_language, samples)))
    if not votes:
        together: Counter[str] = Counter()
        for sample in samples:
            together.update(sample)
        language = _language(together)
        return Detected(language, 1.0 if language else 0.0)
    language = min(votes, key=lambda each: (-votes[each], each))
    return Detected(language, votes[language] / votes.total())


def _tokens(text: str) -> list[str]:
    """Return the words of ``text``, and each character of what is written without spaces."""
    text = unicodedata.normalize("NFKC", text).lower()
    tokens: list[str] = []
    for place, piece in enumerate(RUNS.split(text)):
        tokens += piece if place % 2 else words_pattern().findall(piece)
    return tokens


def _language(tokens: Counter[str]) -> str:
    """Return the language of a text with these tokens, or an empty string."""
    scripts: Counter[str] = Counter()
    for token, count in tokens.items():
        scripts[_script(token)] += count
    scripts.pop("", None)
    if not scripts:
        return ""
    script, count = scripts.most_common(1)[0]
    if script == "han" and 5 * scripts["kana"] > count:  # Japanese is a mix of both
        script = "kana"
    if script in _ALONE:
        return _ALONE[script]
    return _by_stop_words(tokens, script, count)


def _by_stop_words(tokens: Counter[str], script: str, total: int) -> str:
    """Return the language of a script whose stop words are many among ``tokens``, far more than of any other."""
    known = _stop_words(script)
    evidence: defaultdict[str, float] = defaultdict(float)
    hits: Counter[str] = Counter()
    for token, count in tokens.items():
        for language, weight in known.get(token) or [(_LETTERS[each], 1.0) for each in set(token) & _LETTERS.keys()]:
            evidence[language] += count * weight
            hits[language] += count
    if not evidence:
        return ""
    language = min(evidence, key=lambda each: (-evidence[each], each))
    most, next_most = evidence.pop(language), max(evidence.values(), default=0.0)
    told = hits[language] >= max(_LEAST_HITS, _LEAST_SHARE * total) and most >= _LEAST_LEAD * next_most
    return language if told else ""


@cache
def _stop_words(script: str) -> dict[str, list[tuple[str, float]]]:
    """Return for each stop word in ``script`` its languages, each with the word's weight as evidence of it.

    A word of many languages says little.
    """
    languages = languages_of_script(script)
    lists = {language: {word for word in listed(language) if script_of(word) == script} for language in languages}
    spread = Counter(word for words in lists.values() for word in words)
    known: dict[str, list[tuple[str, float]]] = {word: [] for word in spread}
    for language, words in lists.items():
        for word in words:
            known[word].append((language, 1 / spread[word]))
    return known


_ALONE = {"greek": "el", "armenian": "hy", "bengali": "bn", "gujarati": "gu", "tamil": "ta"} | {
    "kana": "ja",
    "hangul": "ko",
    "han": "zh",
    "thai": "th",
}
"""Scripts of one language, as far as languages are supported."""

_LETTERS = {
    letter: language
    for language, letters in {
        "cs": "ěřů",
        "de": "ß",
        "hu": "őű",
        "lt": "ėįų",
        "lv": "ģķļņ",
        "pl": "łźż",
        "ro": "țș",
        "ru": "ыэё",
        "sk": "ĺľŕ",
        "sr": "ђјљњћџ",
        "tr": "ğı",
        "uk": "ґєії",
    }.items()
    for letter in letters
}
"""Letters that one language of its script has; a word with one is evidence as a stop word is."""


@cache
def _script(token: str) -> str:
    if len(token) > 1:
        return script_of(token)
    name = unicodedata.name(token, "")
    for start, script in _NAMES.items():
        if name.startswith(start):
            return script
    return script_of(token)


_NAMES = {"CJK": "han", "HIRAGANA": "kana", "KATAKANA": "kana", "HANGUL": "hangul", "THAI": "thai"}
