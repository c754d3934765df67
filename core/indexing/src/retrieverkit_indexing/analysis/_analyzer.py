"""`Analyzer`: a text's terms.

The rules, in this order, are part of every index's manifest (`Analyzer.fingerprint`):

1. Unicode NFKC, then lower case.
2. Where the language is English, ``'s`` and other endings behind an apostrophe are left out, ``n't`` is ``nt``, and
   ``1,000`` is ``1000``.
3. A word is a run of letters, digits and the marks on them; everything else, underscores too, separates words. A word
   longer than 100 characters is cut into pieces of 100. A single letter is a word.
4. Runs of Han, Hiragana, Katakana, Hangul, Thai, Lao, Khmer and Myanmar become overlapping pairs of characters, as
   nothing shows where their words end; a run of one character is that character.
5. Stop words are left out, and the others stemmed (Snowball), by the language of the word's script: the chosen
   language for its own script; for others their most common language (Latin English, Cyrillic Russian, Arabic
   Arabic, Devanagari Hindi, …). A text that mixes scripts needs no configuration.
6. Accents are taken off Latin letters, but for letters of their own in the language, such as the Swedish ``å``.
   English words lose them before they are stemmed.

A text of nothing but stop words has no terms; as a query it finds nothing.
"""

from __future__ import annotations

import operator
import re
import threading
import unicodedata
from collections.abc import Iterable
from typing import Any

from retrieverkit_indexing.analysis._folding import folded
from retrieverkit_indexing.analysis._languages import (
    algorithm_of,
    check_language,
    language_of_script,
    make_stemmer,
    stemmer_version,
)
from retrieverkit_indexing.analysis._scripts import LATIN, RUNS, UNICODE_VERSION, script_of, words_pattern
from retrieverkit_indexing.analysis._stopwords import stop_words

RULES_VERSION = 2
"""Counts the changes to the rules above and to the lists behind them."""

MAX_WORD_CHARS = 100
"""The longest word; what is longer is cut into pieces."""

_MAX_KNOWN = 500_000
_MAX_KNOWN_CHARS = 40
_ASCII = bytes(code if chr(code).isalnum() else 32 for code in bytes(range(128)).lower()) + b" " * 128
"""What becomes of each ASCII character: a lower-case letter, a digit, or a space."""

_ENDINGS = re.compile(r"['’](?<=[^\W\d_]['’])(?:(t)|s|d|m|ll|re|ve)(?![\w\u0300-\u036f])", re.IGNORECASE)
_THOUSANDS = re.compile(r",(?<=[0-9],)(?=[0-9]{3}(?![0-9]))")


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
        self._words = _KnownWords(self.language)
        self._pieces: dict[str, str] = {}
        self._is_english = language_of_script(LATIN, self.language) == "en"

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
            return self._words.joined(self._ascii_words(text))
        parts: list[str] = []
        plain: list[str] = []  # most of most texts: it goes the short way
        for piece in text.split():
            if piece.isascii():
                plain.append(piece)
            else:
                if plain:
                    parts.append(self._words.joined(self._ascii_words(" ".join(plain))))
                    plain = []
                parts.append(self._other_piece(piece))
        parts.append(self._words.joined(self._ascii_words(" ".join(plain))))
        return " ".join(filter(None, parts))

    def _ascii_words(self, text: str) -> list[str]:
        if self._is_english:
            text = _plain_english(text)
        return text.encode("ascii").translate(_ASCII).decode("ascii").split()

    def _other_piece(self, piece: str) -> str:
        """Return the terms of a text without white space that is not all ASCII, with a space between each."""
        terms = self._pieces.get(piece)
        if terms is None:
            text = _plain_english(_normal(piece)) if self._is_english else _normal(piece)
            find_words = words_pattern().findall
            parts = RUNS.split(text)
            parts[::2] = [self._words.joined(find_words(part)) for part in parts[::2]]
            parts[1::2] = map(_pairs, parts[1::2])
            terms = " ".join(filter(None, parts))
            if len(piece) <= _MAX_KNOWN_CHARS:
                if len(self._pieces) >= _MAX_KNOWN:
                    self._pieces.clear()
                self._pieces[piece] = terms
        return terms

    def characters(self, text: str) -> list[str]:
        """Return each character of the runs that `terms` makes pairs of.

        A query of one character (`is_character`) finds by these what holds it in longer runs.
        """
        if text.isascii():
            return []
        return [character for run in RUNS.findall(_normal(text)) for character in run]

    def __repr__(self) -> str:
        return f"Analyzer({self.language!r})"


class _KnownWords(dict[str, str]):
    """The term of each word that was seen, empty for a stop word."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._stop_words: dict[str, frozenset[str]] = {}
        self._stemmers = _Stemmers()

    def joined(self, words: Iterable[str]) -> str:
        """Return the terms of ``words`` with a space between each."""
        return " ".join(filter(None, map(self.__getitem__, words)))

    def __missing__(self, word: str) -> str:
        if len(word) > MAX_WORD_CHARS:  # not worth remembering
            pieces = (word[i : i + MAX_WORD_CHARS] for i in range(0, len(word), MAX_WORD_CHARS))
            return " ".join(filter(None, map(self.__getitem__, pieces)))
        if len(self) >= _MAX_KNOWN:
            self.clear()
        language = language_of_script(script_of(word), self._language)
        stops = self._stop_words.get(language)
        if stops is None:
            stops = self._stop_words[language] = stop_words(language) if language else frozenset()
        term = "" if word in stops else self._term(word, language)
        self[word] = term
        return term

    def _term(self, word: str, language: str) -> str:
        if language == "en":  # its stemmer knows no accents
            return self._stemmers.stem(folded(word, language), language)
        stem = self._stemmers.stem(word, language)
        return folded(stem, language) if script_of(word) == LATIN else stem


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


def is_character(term: str) -> bool:
    """Return whether a term is a single character of a script that is written without spaces."""
    return len(term) == 1 and RUNS.match(term) is not None


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().replace("_", " ")


def _plain_english(text: str) -> str:
    if "'" in text or "’" in text:
        text = _ENDINGS.sub(r"\1", text)
    return _THOUSANDS.sub("", text) if "," in text else text


def _pairs(run: str) -> str:
    return run if len(run) == 1 else " ".join(map(operator.add, run, run[1:]))
