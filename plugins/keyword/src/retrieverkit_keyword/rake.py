"""RAKE: phrases between stop words, scored by how their words stand together.

Rose, Engel, Cramer and Cowley, *Automatic keyword extraction from individual documents* (Text Mining: Applications and
Theory, 2010): a candidate is a run of words without a stop word or punctuation in it. A word scores
``deg(w) / freq(w)``, where ``freq`` counts its places in candidates and ``deg`` adds up the lengths of the candidates
that it stands in; a candidate scores the sum of its words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import fsum

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_keyword.extraction import Keyword, Phrase, keywords_of_query, with_words

LONGEST_PHRASE = 6
"""How many words a phrase has at most; a longer run without a stop word is cut into several."""

_BREAK = re.compile(r"""[;:!?()\[\]{}<>"“”„«»…—–|•。、，；：！？「」『』（）]|(?<!\d)[.,]|[.,](?!\d)|\n\s*\n""")


class Rake:
    """The phrases of a text with the best scores, and their words.

    Args:
        analyzer: What makes terms of words; what it makes none of is a stop word.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer

    @property
    def fingerprint(self) -> str:
        """Names the rules and the analyzer."""
        return f"rake 1, phrases of {LONGEST_PHRASE}; {self._analyzer.fingerprint}"

    def of_nodes(self, nodes: Sequence[Sequence[str]], most: int) -> list[list[str]]:
        """Return the best phrases of each node over all its texts, each followed by its words."""
        return [with_words(self.phrases(texts, most)) for texts in nodes]

    def of_query(self, query: str, most: int) -> list[Keyword]:
        """Return the best phrases of a query, each followed by its words."""
        return keywords_of_query(self._analyzer, query, self.phrases([query], most))

    def phrases(self, texts: Iterable[str], most: int) -> list[Phrase]:
        """Return the phrases with the best scores; of those with equal scores, the first."""
        candidates = [phrase for text in texts for phrase in self._candidates(text)]
        frequency = Counter(word for phrase in candidates for word in phrase)
        degree: Counter[str] = Counter()
        for phrase in candidates:
            for word in phrase:
                degree[word] += len(phrase)

        def score(phrase: Phrase) -> float:
            # Rounded: phrases of the same words in another order have equal scores.
            return round(fsum(degree[word] / frequency[word] for word in phrase), 9)

        scores = {phrase: score(phrase) for phrase in dict.fromkeys(candidates)}
        return sorted(scores, key=lambda phrase: -scores[phrase])[:most]

    def _candidates(self, text: str) -> Iterator[Phrase]:
        for part in _BREAK.split(text):
            run: list[str] = []
            for word in part.split():
                terms = self._analyzer.terms(word)
                if terms:
                    run += terms
                else:
                    yield from _cut(run)
                    run = []
            yield from _cut(run)


def _cut(run: Sequence[str]) -> Iterator[Phrase]:
    for at in range(0, len(run), LONGEST_PHRASE):
        yield tuple(run[at : at + LONGEST_PHRASE])
