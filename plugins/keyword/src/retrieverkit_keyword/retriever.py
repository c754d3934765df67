"""`KeywordRetriever`: nodes that share keywords with the query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence
from retrieverkit_core.query import QueryBundle
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.derived import IndexRetriever
from retrieverkit_indexing.metadata import MetadataIndex
from retrieverkit_keyword.extraction import Extractor, FrequentTerms
from retrieverkit_keyword.options import FILTERS, SCORES, KeywordOptions, RankBy
from retrieverkit_keyword.rake import Rake
from retrieverkit_keyword.ranking import Ranked, ranked
from retrieverkit_keyword.table import KeywordReader, KeywordTable, Posting, RakeTable


class KeywordRetriever(IndexRetriever[KeywordReader]):
    """Finds the nodes with keywords of the query. The keywords of a text are its most frequent terms.

    The score of a node is the number of the query's keywords that it has. Equal scores come by how rare those keywords
    are, then in the order of the corpus. The evidence of a hit has the keywords that matched, as the query writes them.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say.
        max_keywords: At most this many keywords of a node.
        max_query_keywords: At most this many keywords of a query.
        rank_by: The score: ``count``, how many keywords a node has, or ``weight``, the sum of their inverse document
            frequencies.
        language: The ISO 639-1 code of the corpus's language; None for that in the corpus's settings.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Attributes:
        index: The table of keywords.

    Raises:
        ConfigError: The language is not supported, or an option has a value that cannot be.
    """

    scores = SCORES
    filter_capabilities = FILTERS
    name = "keyword"

    _table: ClassVar[type[KeywordTable]] = KeywordTable

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        *,
        top_k: int = 5,
        max_keywords: int = 20,
        max_query_keywords: int = 20,
        rank_by: RankBy = "count",
        language: str | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self._options = KeywordOptions.checked(
            self.name,
            top_k=top_k,
            max_keywords=max_keywords,
            max_query_keywords=max_query_keywords,
            rank_by=rank_by,
            language=language,
        )
        self.default_top_k = top_k
        self._storage = Path(storage)
        self._metadata = MetadataIndex(corpus, self._storage)
        self.index: KeywordTable = self._table_of(corpus)
        self._looked_at: KeywordReader | None = None

    def _table_of(self, corpus: Corpus) -> KeywordTable:
        language = self._options.language
        extractor = self._extractor(Analyzer(corpus.settings.language if language is None else language))
        return self._table(corpus, self._storage, extractor, self._options.max_keywords)

    def _extractor(self, analyzer: Analyzer) -> Extractor:
        return FrequentTerms(analyzer)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _search(self, reader: KeywordReader, query_bundle: QueryBundle) -> Found:
        reader = self._as_settings_are(reader)
        keywords = self.index.extractor.of_query(query_bundle.query_str, self._options.max_query_keywords)
        if not keywords:
            return Found([], notes=(f"{self.name}: the query has no keywords, so nothing was searched for",))
        nodes, postings = reader.look_up(keywords)
        allowed = None
        if query_bundle.filters is not None:
            allowed = self._metadata.reader().ordinals_of(query_bundle.filters)
        best = ranked(nodes, postings, self._options.rank_by, allowed)
        return self._told(best.first(query_bundle.top_k), postings)

    def _as_settings_are(self, reader: KeywordReader) -> KeywordReader:
        """Return ``reader``, or one of another table where the corpus has other settings now."""
        if reader is self._looked_at:
            return reader
        index = self.index
        if index.corpus.settings != index.settings:
            self.index = self._table_of(index.corpus)
            reader = self.index.reader()
        self._looked_at = reader
        return reader

    def _told(self, best: Ranked, postings: Sequence[Posting]) -> Found:
        """Return the hits, each with the keywords that it was found by."""
        has = [(each.keyword.shown, each.holds(best.ordinals)) for each in postings]
        pairs = list(zip(best.ordinals.tolist(), best.scores.tolist(), strict=True))
        evidence = []
        for at, (_, score) in enumerate(pairs):
            matched = [shown for shown, of in has if of[at]]
            evidence.append((Evidence(self.name, at + 1, score, {"keywords": matched}),))
        return Found(pairs, evidence=evidence)


class KeywordRakeRetriever(KeywordRetriever):
    """Finds the nodes with phrases of the query, or with words of these. RAKE takes the phrases of a text (`Rake`).

    All else is as in `KeywordRetriever`; ``max_keywords`` and ``max_query_keywords`` count phrases.
    """

    name = "keyword_rake"
    _table = RakeTable

    def _extractor(self, analyzer: Analyzer) -> Extractor:
        return Rake(analyzer)
