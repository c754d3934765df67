"""What an extractor of keywords is, and the simplest one: a text's frequent terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from retrieverkit_indexing.analysis import Analyzer, is_character, words_pattern


class Extractor(Protocol):
    """Takes the keywords out of texts, by the same rules for nodes and for queries."""

    @property
    def fingerprint(self) -> str:
        """Names everything that the keywords depend on."""
        ...

    def of_nodes(self, nodes: Sequence[Sequence[str]], most: int) -> list[list[str]]:
        """Return the keywords of each node, the best first.

        Args:
            nodes: The texts that each node is found by.
            most: At most this many keywords of a node.
        """
        ...

    def of_query(self, query: str, most: int) -> list[Keyword]:
        """Return the keywords of a query, the best first."""
        ...


class Keyword(NamedTuple):
    """A keyword of a query.

    Attributes:
        key: What keywords of nodes are compared with.
        shown: How the query has it.
        within: Whether it is a single character of a script without spaces, found in every keyword that holds it.
    """

    key: str
    shown: str
    within: bool = False


Phrase = tuple[str, ...]
"""The terms of a phrase."""


def with_words(phrases: Iterable[Phrase]) -> list[str]:
    """Return the key of each phrase, followed by those of its words; each key once."""
    return list(dict.fromkeys(key for phrase in phrases if phrase for key in (" ".join(phrase), *phrase)))


def keywords_of_query(analyzer: Analyzer, query: str, phrases: Iterable[Phrase]) -> list[Keyword]:
    """Return phrases that were taken of a query, and their words, as keywords."""
    shown = as_written(analyzer, query)
    return [
        Keyword(key, " ".join(shown.get(term, term) for term in key.split()), is_character(key))
        for key in with_words(phrases)
    ]


class FrequentTerms:
    """The terms that are most often in a text; of those that are as often, the first.

    Args:
        analyzer: What makes terms of texts.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer

    @property
    def fingerprint(self) -> str:
        """Names the analyzer."""
        return f"frequent terms; {self._analyzer.fingerprint}"

    def of_nodes(self, nodes: Sequence[Sequence[str]], most: int) -> list[list[str]]:
        """Return the most frequent terms of each node, over all its texts."""
        terms = self._analyzer.terms
        return [_most_frequent((term for text in texts for term in terms(text)), most) for texts in nodes]

    def of_query(self, query: str, most: int) -> list[Keyword]:
        """Return the most frequent terms of a query."""
        found = _most_frequent(self._analyzer.terms(query), most)
        return keywords_of_query(self._analyzer, query, [(term,) for term in found])


def as_written(analyzer: Analyzer, text: str) -> dict[str, str]:
    """Return the first word of a text that stands behind each of its terms, where one word is one term."""
    written: dict[str, str] = {}
    for word in words_pattern().findall(text):
        terms = analyzer.terms(word)
        if len(terms) == 1:
            written.setdefault(terms[0], word)
    return written


def _most_frequent(terms: Iterable[str], most: int) -> list[str]:
    return [term for term, _ in Counter(terms).most_common(most)]
