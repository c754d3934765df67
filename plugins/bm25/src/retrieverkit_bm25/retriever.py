"""`Bm25Retriever`: nodes that share words with the query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieverkit_bm25.filters import NotPushable, is_pushable
from retrieverkit_bm25.index import Bm25Index
from retrieverkit_bm25.plugin import FILTERS, SCORES
from retrieverkit_bm25.reader import Bm25Reader, Hits
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.query import QueryBundle
from retrieverkit_indexing.derived import IndexRetriever


class Bm25Retriever(IndexRetriever[Bm25Reader]):
    """Finds the nodes with words of the query, ranked by BM25 (k1 = 1.2, b = 0.75).

    A word that is several times in the query counts as often. Only nodes with at least one of the words are found; a
    query of nothing but stop words finds nothing. Nothing in a query is syntax.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say.
        language: The ISO 639-1 code of the corpus's language.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        ConfigError: The language is not supported.
    """

    scores = SCORES
    filter_capabilities = FILTERS
    name = "bm25"

    def __init__(
        self, corpus: Corpus, storage: Path | str, *, top_k: int = 5, language: str = "en", **base: Any
    ) -> None:
        super().__init__(**base)
        self.default_top_k = top_k
        self.index = Bm25Index(corpus, Path(storage), language)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return whether the engine applies this condition exactly.

        It does but for text matches, an order of strings that are no dates, an order around numbers of 2**53 and
        more, and an order on a field that came after 32 others with numbers or 16 others with dates.
        """
        return is_pushable(filter, lambda: self.index.reader().columns)

    def _search(self, reader: Bm25Reader, query_bundle: QueryBundle) -> Hits:
        terms = self.index.analyzer.terms(query_bundle.query_str)
        if not terms:
            return []
        top_k, filters = query_bundle.top_k, query_bundle.filters
        try:
            return reader.search(terms, top_k, filters)
        except NotPushable:  # the index has changed since `can_push` looked at it
            return self._filtered_here(reader.search(terms, None), filters)[:top_k]

    def _filtered_here(self, found: Hits, filters: MetadataFilters | None) -> Hits:
        """Return what passes; a node that is gone stays, for it makes the search be done again."""
        nodes = self.index.corpus.fetch([ordinal for ordinal, _ in found])
        return [
            hit
            for hit, node in zip(found, nodes, strict=True)
            if node is None or filters is None or filters.matches(node.metadata)
        ]
