"""`Bm25Retriever`: nodes that share words with the query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from retrieverkit_bm25.filters import NotPushable, clause, is_pushable
from retrieverkit_bm25.index import Bm25Index
from retrieverkit_bm25.plugin import FILTERS, K1, SCORES, B, Bm25Options
from retrieverkit_bm25.ranking import Hits
from retrieverkit_bm25.reader import Bm25Reader
from retrieverkit_bm25.typos import replacements
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter, MetadataFilters, filterable
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.query import QueryBundle
from retrieverkit_indexing.analysis import words_pattern
from retrieverkit_indexing.derived import IndexRetriever

ONLY_STOP_WORDS = "bm25: every word of the query is a stop word, so nothing was searched for"


class Bm25Retriever(IndexRetriever[Bm25Reader]):
    """Finds the nodes with words of the query, ranked by BM25 (k1 = 1.2, b = 0.75).

    A word that is several times in the query counts as often. Only nodes with at least one of the words are found; a
    query of nothing but stop words finds nothing. Nothing in a query is syntax.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say.
        language: The ISO 639-1 code of the corpus's language; None for that in the corpus's settings.
        title_weight: How often the words of a node's title count; 1 for as often as other words.
        pair_weight: What the BM25 of pairs of words that stand side by side counts beside that of words; 0 for nothing.
        typos: Whether a word that no node has is replaced by the nearest that some node has.
        k1: How soon a word that is repeated in a node stops to count more; the engine has 1.2 alone.
        b: How much the length of a node counts, from 0 to 1; the engine has 0.75 alone.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        ConfigError: The language is not supported, or an option has a value that cannot be.
    """

    scores = SCORES
    filter_capabilities = FILTERS
    name = "bm25"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        *,
        top_k: int = 5,
        language: str | None = None,
        title_weight: int = 2,
        pair_weight: float = 0.2,
        typos: bool = False,
        k1: float = K1,
        b: float = B,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        Bm25Options.checked(title_weight=title_weight, pair_weight=pair_weight, k1=k1, b=b)
        self.default_top_k = top_k
        self._storage, self._language, self._title_weight = Path(storage), language, title_weight
        self._pair_weight, self._typos = pair_weight, typos
        self._looked_at: Bm25Reader | None = None
        self.index: Bm25Index = self._index_of(corpus)

    def _index_of(self, corpus: Corpus) -> Bm25Index:
        return Bm25Index(corpus, self._storage, self._language, self._title_weight)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return whether the engine applies this condition exactly.

        It does but for text matches, an order of ids and of strings that are not dates, an order around numbers of
        2**53 and more, and an order on a field that came after 32 others with numbers or 16 others with dates.
        """
        return is_pushable(filter, lambda: self.index.reader().columns)

    def _search(self, reader: Bm25Reader, query_bundle: QueryBundle) -> Sequence[Pair]:
        reader = self._as_settings_are(reader)
        query = query_bundle.query_str
        terms = self.index.analyzer.terms(query)
        if not terms:
            return Found([], notes=(ONLY_STOP_WORDS,)) if words_pattern().search(query) else []
        if not self._typos:
            return self._hits(terms, reader, query_bundle)
        replaced = self._replaced(terms, reader, query_bundle)
        found = self._hits([replaced.get(term, term) for term in terms], reader, query_bundle)
        return Found(found, notes=tuple(_note(term, by) for term, by in replaced.items())) if replaced else found

    def _hits(self, terms: Sequence[str], reader: Bm25Reader, query: QueryBundle) -> Hits:
        try:
            return reader.search(terms, query.top_k, query.filters, self._pair_weight)
        except NotPushable:  # the index has changed since `can_push` looked at it
            everything = reader.search(terms, None, None, self._pair_weight)
            return self._filtered_here(everything, query.filters)[: query.top_k]

    def _as_settings_are(self, reader: Bm25Reader) -> Bm25Reader:
        """Return ``reader``, or one of another index where the corpus has other settings now: they make new readers."""
        if reader is self._looked_at:
            return reader
        index = self.index
        if index.corpus.settings != index.settings:
            self.index = self._index_of(index.corpus)
            reader = self.index.reader()
        self._looked_at = reader
        return reader

    def _replaced(self, terms: Sequence[str], reader: Bm25Reader, query: QueryBundle) -> dict[str, str]:
        within = MetadataFilters.and_(query.scope, query.filters)
        try:
            passing = None if within is None else clause(within, reader.columns)
        except NotPushable:  # it cannot be known what may be looked at
            return {}

        def terms_of(ordinals: Sequence[int]) -> Iterator[str]:
            for node in self.index.corpus.fetch(ordinals):
                if node is not None and (within is None or within.matches(filterable(node))):
                    yield from self.index.terms(node)

        return replacements(terms, reader, passing, terms_of)

    def _filtered_here(self, found: Hits, filters: MetadataFilters | None) -> Hits:
        """Return what passes; a node that is gone stays, for it makes the search be done again."""
        nodes = self.index.corpus.fetch([ordinal for ordinal, _ in found])
        return [
            hit
            for hit, node in zip(found, nodes, strict=True)
            if node is None or filters is None or filters.admits(node)
        ]


def _note(term: str, by: str) -> str:
    return f"bm25: no node that may be found has {term!r}; {by!r} was searched for in its place"
