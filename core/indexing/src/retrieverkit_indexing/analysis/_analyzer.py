"""`Analyzer`: a text's terms.

The rules, in this order, are part of every index's manifest (`Analyzer.fingerprint`):

1. Unicode NFKC, then lower case.
2. A word is a run of letters, digits and the marks on them; everything else, underscores too, separates
words. A word
   longer than 100 characters is cut into pieces of 100. A single letter is a word.
3. Runs of Han, Hiragana, Katakana, Hangul, Thai, Lao, Khmer and Myanmar become overlapping pairs of
characters, as
   nothing shows where their words end; a run of one character is that character.
4. Stop words are left out, and the others stemmed (Snowball), by the language of the word's script: the
chosen
   language for its own script; for others their most common language (Latin English, Cyrillic Russian, Arabic
   Arabic, Devanagari Hindi, …). A text that mixes scripts needs no configuration.

A text of nothing but stop words has no terms; as a query it finds nothing.
"""

from __future__ import annotations

import operator
import threading
import unicodedata
from typing import Any

from retrieverkit_indexing.analysis._languages import (
    algorithm_of,
    check_language,
    language_of_script,
    make_stemmer,
    stemmer_version,
)
from retrieverkit_indexing.analysis._scripts import RUNS, UNICODE_VERSION, script_of, words_pattern
from retrieverkit_indexing.analysis._stopwords import stop_words

RULES_VERSION = 1
"""Counts the changes to the rules above and to the lists behind them."""

MAX_WORD_CHARS = 100
"""The longest word; what is longer is cut into pieces."""

_MAX_KNOWN_WORDS = 500_000
_ASCII = bytes(code if chr(code).isalnum() else 32 for code in bytes(range(128)).lower()) + b" " * 128
"""What becomes of each ASCII character: a lower-case letter, a digit, or a space."""


class Analyzer:
    """Turns text into terms. Safe to share between threads.

    Args:
        language: The ISO 639-1 code of the language of the corpus.

    Raises:
        ConfigError: The language is not supported.
        MissingServiceError: The ``analysis`` extra is not installed.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = check_language(language)
        self._known = _KnownWords(self.language)

    @property
    def fingerprint(self) -> str:
        """Names everything that the terms depend on."""
        from importlib.metadata import version

        return (
            f"rules {RULES_VERSION}, language {self.language}, PyStemmer {stemmer_version()}, "
            f"stopwordsiso {version('stopwordsiso')}, Unicode {UNICODE_VERSION}"
        )

    def terms(self, text: str) -> list[str]:
        """Return the terms of ``text`` in their order, repeated ones repeated."""
        return self.joined(text).split()

    def joined(self, text: str) -> str:
        """Return the terms of ``text`` with a space between each; no term holds white space."""
        if text.isascii():
            words = text.encode("ascii").translate(_ASCII).decode("ascii").split()
            return " ".join(filter(None, map(self._known.__getitem__, words)))
        text = unicodedata.normalize("NFKC", text).lower().replace("_", " ")
        find_words = words_pattern().findall
        parts: list[str] = []
        for place, piece in enumerate(RUNS.split(text)):
            if place % 2:
                parts.append(_pairs(piece))
            else:
                parts += filter(None, map(self._known.__getitem__, find_words(piece)))
        return " ".join(parts)

    def __repr__(self) -> str:
        return f"Analyzer({self.language!r})"


class _KnownWords(dict[str, str]):
    """The term of each word that was seen, empty for a stop word."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._stop_words: dict[str, frozenset[str]] = {}
        self._stemmers = _Stemmers()

    def __missing__(self, word: str) -> str:
        if len(word) > MAX_WORD_CHARS:  # not worth remembering
            pieces = (word[i : i + MAX_WORD_CHARS] for i in range(0, len(word), MAX_WORD_CHARS))
            return " ".join(filter(None, map(self.__getitem__, pieces)))
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
        language = language_of_script(script_of(word), self._language)
        stops = self._stop_words.get(language)
        if stops is None:
            stops = self._stop_words[language] = stop_words(language) if language else frozenset()
        term = "" if word in stops else self._stemmers.stem(word, language)
        self[word] = term
        return term


class _Stemmers(threading.local):
    """Stemmers by language; PyStemmer's are not for several threads."""

    def __init__(self) -> None:
        self._by_language: dict[str, Any] = {}

    def stem(self, word: str, language: str) -> str:
        if language not in self._by_language:
            algorithm = algorithm_of(language) if language else None
            self._by_language[language] = make_stemmer(algorithm) if algorithm else None
        stemmer = self._by_language[language]
        return str(stemmer.stemWord(word)) or word if stemmer else word


def _pairs(run: str) -> str:
    return run if len(run) == 1 else " ".join(map(operator.add, run, run[1:]))
