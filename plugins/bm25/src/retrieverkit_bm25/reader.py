"""Searching an index."""

from __future__ import annotations

import itertools
import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tantivy
from tantivy import Occur, Order, Query

from retrieverkit_bm25.build_record import BuildRecord, Ordinals, segments
from retrieverkit_bm25.columns import Columns
from retrieverkit_bm25.filters import clause
from retrieverkit_bm25.ranking import Hits, best
from retrieverkit_bm25.schema import BODY, CHARACTERS, LENGTH, ORDINAL, schema
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_indexing.analysis import is_character

T = TypeVar("T")

MAX_QUERY_TERMS = 1024
"""The most distinct terms that a query is scored by; of more, those in the fewest nodes are taken."""

MAX_QUERY_PAIRS = 64
"""The most distinct pairs of adjacent terms that a query is scored by; of more, the first are taken."""

_REMEMBERED = 10_000


class Bm25Reader:
    """One state of an index, unmoved by later ones. Safe to share between threads.

    Args:
        folder: The folder of the engine's files.
    """

    def __init__(self, folder: Path) -> None:
        self.columns = Columns.read(folder)
        record, there = BuildRecord.read(folder), segments(folder)
        self._frequent = record.frequent
        self._with_deleted = sum(segment["max_doc"] for segment in there)
        self._in_order = len(there) == 1 and record.segments == [there[0]["segment_id"]]
        self._searcher = open_searcher(folder)
        self.count = self._searcher.num_docs
        self._first = record.first if self._in_order and self.count == self._with_deleted else None
        self._terms: dict[str, tuple[Occur, Query]] = {}
        self._corrections: dict[str, float] = {}
        self._pair_weights: dict[tuple[str, str], float] = {}

    def search(
        self,
        terms: Sequence[str],
        top_k: int | None,
        filters: MetadataFilters | None = None,
        pair_weight: float = 0.0,
    ) -> Hits:
        """Return the nodes with at least one of the terms.

        Args:
            terms: The analyzed query; a term counts as often as it is there.
            top_k: The most hits wanted, None for all.
            filters: Only nodes that pass.
            pair_weight: What the BM25 of pairs of adjacent terms counts beside that of the terms.

        Returns:
            Ordinals and BM25 scores, best first; equal scores by ascending ordinal.

        Raises:
            NotPushable: The engine cannot apply the filters exactly.
        """
        wanted = self.count if top_k is None else min(top_k, self.count)
        query = self._query(terms, pair_weight)
        if query is None or not wanted:
            return []
        if filters is not None:
            query = _within(query, clause(filters, self.columns))
        if self._in_order:  # then the engine's order of equal scores is that of the ordinals
            return self._hits(query, wanted)
        return best(lambda limit: self._hits(query, limit), wanted, self.count)

    def holds(self, term: str, passing: Query | None) -> bool:
        """Return whether a node, of those that ``passing`` finds, has ``term``."""
        if passing is None and self._with_deleted == self.count:
            return self._searcher.doc_freq(BODY, term) > 0
        query = _term(term) if passing is None else _within(_term(term), passing)
        return bool(self._searcher.search(query, 1, count=False).hits)

    def with_similar(self, term: str, edits: int, passing: Query | None, limit: int) -> list[int]:
        """Return the first nodes, of those that ``passing`` finds, with a term that is that many edits away at most.

        Args:
            term: The term; nodes with the very term are found too.
            edits: Insertions, deletions, replacements and swaps of neighbouring characters; 0 to 2.
            passing: Which nodes to look at, None for all.
            limit: The most ordinals wanted, the lowest first.
        """
        query = Query.fuzzy_term_query(schema(), BODY, term, distance=edits)
        query = query if passing is None else _within(query, passing)
        found = self._searcher.search(query, limit, count=False, order_by_field=ORDINAL, order=Order.Asc)
        return [int(ordinal) for ordinal, _ in found.hits]

    def _hits(self, query: Query, limit: int) -> Hits:
        hits = self._searcher.search(query, limit, count=False).hits
        if self._first is not None:
            first = self._first
            return [(first + address.doc, score) for score, address in hits]
        ordinals = self._searcher.fast_field_values(ORDINAL, [address for _, address in hits])
        return [(int(ordinal or 0), float(score)) for ordinal, (score, _) in zip(ordinals, hits, strict=True)]

    def _query(self, terms: Sequence[str], pair_weight: float) -> Query | None:
        counts = _counted(terms)
        chosen: Sequence[str] = list(counts)
        if len(counts) > MAX_QUERY_TERMS:
            frequency = {term: self._searcher.doc_freq(BODY, term) for term in counts}
            chosen = sorted((term for term in counts if frequency[term]), key=frequency.__getitem__)[:MAX_QUERY_TERMS]
        parts = [self._term_query(term, counts[term]) for term in chosen]
        if pair_weight and len(terms) > 1:
            parts += self._pair_queries(terms, pair_weight)
        return Query.boolean_query(parts) if parts else None

    def _term_query(self, term: str, count: int) -> tuple[Occur, Query]:
        part = self._terms.get(term)
        if part is None:
            field = CHARACTERS if is_character(term) else BODY
            weight = self._correction(field, term) if self._with_deleted != self.count else 1.0
            part = self._terms[term] = (Occur.Should, _weighted(_term(term, field), weight))
            if len(self._terms) > _REMEMBERED:
                self._terms.clear()
        return part if count == 1 else (part[0], Query.boost_query(part[1], float(count)))

    def _correction(self, field: str, term: str) -> float:
        """Return what makes the engine's idf, which counts deleted nodes, that of the nodes that are there."""
        there = self._count(_term(term, field))
        return _idf(there, self.count) / _idf(self._searcher.doc_freq(field, term), self._with_deleted)

    def _pair_queries(self, terms: Sequence[str], weight: float) -> list[tuple[Occur, Query]]:
        """Return what finds the pairs of ``terms`` that stand side by side in some node."""
        counts = _counted(list(itertools.pairwise(terms)))
        queries = []
        for pair in itertools.islice(counts, MAX_QUERY_PAIRS):
            own = self._pair_weight(pair)
            if own:
                phrase = Query.phrase_query(schema(), BODY, list(pair))
                queries.append((Occur.Should, Query.boost_query(phrase, weight * counts[pair] * own)))
        return queries

    def _pair_weight(self, pair: tuple[str, str]) -> float:
        """Return the factor from the engine's idf of a pair (that of both terms) to its own; 0.0 if no node has it."""
        known = self._pair_weights.get(pair)
        if known is None:
            there = self._count(Query.phrase_query(schema(), BODY, list(pair)))
            reckoned = sum(_idf(self._searcher.doc_freq(BODY, term), self._with_deleted) for term in pair)
            known = _idf(there, self.count) / reckoned if there else 0.0
            if len(self._pair_weights) > _REMEMBERED:
                self._pair_weights.clear()
            self._pair_weights[pair] = known
        return known

    def _count(self, query: Query) -> int:
        return self._searcher.search(query, 1).count or 0  # type: ignore[attr-defined]  # missing in its stubs

    @property
    def deleted_share(self) -> float:
        """How many of the nodes in the engine's statistics are deleted."""
        return 1 - self.count / self._with_deleted if self._with_deleted else 0.0

    def length_drift(self) -> float:
        """Return how far the average length that the engine reckons with is from that of the nodes there are."""
        if not self.deleted_share:
            return 0.0
        hits = self._searcher.search(_term(self._frequent), 1, count=False).hits if self._frequent else []
        if not hits:
            return math.inf  # what was in most nodes is in none
        explained = json.loads(_term(self._frequent).explain(self._searcher, hits[0][1]).to_json())
        reckoned = next(_values(explained, "avgdl"))
        everything = Query.all_query()
        total = self._searcher.aggregate(everything, {"total": {"sum": {"field": LENGTH}}})["total"]["value"]
        return abs(reckoned * self.count / float(total) - 1)


def record_build(folder: Path, ordinals: Ordinals) -> None:
    """Record of the engine's files that the nodes in them were added in one go, in the order of their ordinals."""
    terms = open_searcher(folder).terms_with_prefix(BODY, "", limit=1)
    ids = [segment["segment_id"] for segment in segments(folder)]
    BuildRecord(ids, ordinals.first, terms[0][0] if terms else "").write(folder)


def _counted(items: Sequence[T]) -> Mapping[T, int]:
    """Return how often each item is there, in the order of the first of each."""
    once = dict.fromkeys(items, 1)
    return once if len(once) == len(items) else Counter(items)


def _term(term: str, field: str = BODY) -> Query:
    return Query.term_query(schema(), field, term, index_option="freq")


def _weighted(query: Query, weight: float) -> Query:
    return query if weight == 1.0 else Query.boost_query(query, weight)


def _within(query: Query, passing: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(passing, 0.0))])


def open_searcher(folder: Path) -> tantivy.Searcher:
    """Open the engine's files; it wants to lock their folder, so one that it cannot lock is opened through links."""
    lock = folder / ".tantivy-meta.lock"
    if not os.access(lock if lock.exists() else folder, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="retrieverkit-bm25-") as links:
            for path in folder.iterdir():
                if path.suffix != ".lock":
                    os.symlink(path.absolute(), Path(links) / path.name)
            return open_searcher(Path(links))
    engine = tantivy.Index.open(str(folder))
    engine.config_reader("manual", 0)
    return engine.searcher()


def _values(explanation: dict[str, Any], name: str) -> Iterator[float]:
    if explanation["description"].startswith(name):
        yield explanation["value"]
    for part in explanation.get("details", ()):
        yield from _values(part, name)


def _idf(containing: int, total: int) -> float:
    return math.log(1 + (total - containing + 0.5) / (containing + 0.5))
