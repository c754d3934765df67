"""`KeywordLLMRetriever`: keywords that a language model names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import LanguageModel
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.derived import index_name
from retrieverkit_keyword.llm.cache import KeywordCache
from retrieverkit_keyword.llm.extraction import EXTRACT, EXTRACT_QUERY, NamedKeywords
from retrieverkit_keyword.options import RankBy
from retrieverkit_keyword.retriever import KeywordRetriever
from retrieverkit_keyword.table import KeywordTable, LLMTable


class KeywordLLMRetriever(KeywordRetriever):
    """Finds the nodes with keywords of the query, or with words of these. A language model names the keywords.

    The model is asked once about each node, when the index is built, and once about each query. What it names of a node
    is kept by the text, the model and the prompt, so that a build that is killed, or done again, pays for nothing
    twice. Every node of the corpus is in the index, each alone in its prompt; a query's filters and scope decide what
    of it is found.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        llm: The language model.
        top_k: How many hits a query gets that does not say.
        max_keywords: At most this many keywords of a node; their words come on top.
        max_query_keywords: At most this many keywords of a query; their words come on top.
        rank_by: The score, as for `KeywordRetriever`.
        language: The ISO 639-1 code of the corpus's language; None for that in the corpus's settings.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        ConfigError: The language is not supported, or an option has a value that cannot be.
    """

    name = "keyword_llm"
    prompts = {"extract": EXTRACT, "extract_query": EXTRACT_QUERY}

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        llm: LanguageModel,
        *,
        top_k: int = 5,
        max_keywords: int = 10,
        max_query_keywords: int = 10,
        rank_by: RankBy = "count",
        language: str | None = None,
        **base: Any,
    ) -> None:
        self._llm = llm
        self._cache = KeywordCache(Path(storage), corpus.writable)
        super().__init__(
            corpus,
            storage,
            top_k=top_k,
            max_keywords=max_keywords,
            max_query_keywords=max_query_keywords,
            rank_by=rank_by,
            language=language,
            **base,
        )
        self.notes = (f"keywords: by {llm.name}",)

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts; with another one for nodes, all are asked about again."""
        super().update_prompts(**prompts)
        self.index = self._table_of(self.index.corpus)

    def _table_of(self, corpus: Corpus) -> KeywordTable:
        return LLMTable(corpus, self._storage, self._named(corpus), self._options.max_keywords, uses=(self._llm,))

    def _named(self, corpus: Corpus) -> NamedKeywords:
        language = self._options.language
        analyzer = Analyzer(corpus.settings.language if language is None else language)
        prompts = self.prompts
        return NamedKeywords(self._llm, prompts["extract"], prompts["extract_query"], analyzer, self._cache)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        named = self.index.extractor
        assert isinstance(named, NamedKeywords)
        parts = self._build_plan(named, scoped=query_bundle.scope is not None)
        return named.query_cost(self.name, query_bundle.query_str, self._options.max_query_keywords, parts)

    def _build_plan(self, named: NamedKeywords, *, scoped: bool) -> tuple[Plan, ...]:
        pending = self.index.pending()
        if pending is None:
            return ()
        name = index_name(self.index)
        if scoped:  # how much there is to ask about outside of the scope is not to be told
            return (Plan(name, "asks about nodes first", None, 0, None, once=True),)
        with self.index.corpus.snapshot() as view:
            nodes = view.nodes() if pending.since is None else view.added(pending.since)
            texts = (self.index.texts_of(node) for _, node in nodes)
            return (named.cost(name, texts, self._options.max_keywords),)
