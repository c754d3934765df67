"""Finds documents by titles that are like the query."""

from __future__ import annotations

from copy import deepcopy
from typing import Literal

from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process

from retrieverkit_core import BaseRetriever, Corpus, Node, NodeWithScore, QueryBundle
from retrieverkit_example_plugin.titles import Titles, read_titles

Match = Literal["best", "whole", "part", "words"]

SCORERS = {
    "best": fuzz.WRatio,
    "whole": fuzz.ratio,
    "part": fuzz.partial_ratio,
    "words": fuzz.token_sort_ratio,
}
"""What compares query and title, by the option ``match``; each gives 0 to 100."""


class FuzzyTitleRetriever(BaseRetriever):
    """Ranks documents by how alike their title and the query are, letter by letter.

    A document is returned as its first node that the filters let pass.

    Args:
        corpus: Where the documents are.
        top_k: At most this many hits, unless the query says otherwise.
        match: What of the title must be like the query.
        cutoff: Titles that are less alike, from 0 to 1, are left out.
    """

    def __init__(self, corpus: Corpus, *, top_k: int = 5, match: Match = "best", cutoff: float = 0.6) -> None:
        super().__init__()
        self.corpus = corpus
        self.default_top_k = top_k
        self.scorer = SCORERS[match]
        self.cutoff = cutoff
        self._titles: Titles | None = None

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        asked = default_process(query_bundle.query_str)
        if not asked:
            return []
        titles = self._current_titles()
        alike = process.extract(asked, titles.texts, scorer=self.scorer, score_cutoff=self.cutoff * 100, limit=None)
        ranked = sorted(alike, key=lambda found: (-found[1], found[2]))  # equal scores in the corpus's order
        hits: list[NodeWithScore] = []
        for _, score, place in ranked:
            if query_bundle.top_k is not None and len(hits) >= query_bundle.top_k:
                break
            node = _first_passing(titles.nodes[place], query_bundle)
            if node is not None:
                hits.append(NodeWithScore(deepcopy(node), score / 100))  # callers may change what they get
        return hits

    def _current_titles(self) -> Titles:
        """Return the titles as they are now, read again when the corpus has changed.

        Threads may read them twice at the same time; each gets a whole and consistent reading.
        """
        titles = self._titles
        if titles is None or titles.cursor != self.corpus.head():
            with self.corpus.snapshot() as view:
                self._titles = titles = read_titles(view)
        return titles


def _first_passing(nodes: list[Node], query: QueryBundle) -> Node | None:
    return next((node for node in nodes if query.filters is None or query.filters.matches(node.metadata)), None)
