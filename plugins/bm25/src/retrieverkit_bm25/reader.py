"""Searching an index."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from retrieverkit_bm25.columns import Columns
from retrieverkit_bm25.filters import clause
from retrieverkit_bm25.ranking import Hits, best
from retrieverkit_bm25.schema import BODY, LENGTH, ORDINAL, schema
from retrieverkit_core.filters import MetadataFilters

MAX_QUERY_TERMS = 1024
"""The most distinct terms that a query is scored by; of more, those in the fewest nodes are taken."""

_BUILT = "built.json"


class Bm25Reader:
    """One state of an index, unmoved by later ones. Safe to share between threads.

    Args:
        folder: The folder of the engine's files.
    """

    def __init__(self, folder: Path) -> None:
        self.columns = Columns.read(folder)
        segments = _segments(folder)
        self._with_deleted = sum(segment["max_doc"] for segment in segments)
        self._in_order = len(segments) == 1 and _as_built(folder) == [segments[0]["segment_id"]]
        self._searcher = _open(folder)
        self.count = self._searcher.num_docs
        self._corrections: dict[str, float] = {}

    def search(self, terms: Sequence[str], top_k: int | None, filters: MetadataFilters | None = None) -> Hits:
        """Return the nodes with at least one of the terms.

        Args:
            terms: The analyzed query; a term counts as often as it is there.
            top_k: The most hits wanted, None for all.
            filters: Only nodes that pass.

        Returns:
            Ordinals and BM25 scores, best first; equal scores by ascending ordinal.

        Raises:
            NotPushable: The engine cannot apply the filters exactly.
        """
        wanted = self.count if top_k is None else min(top_k, self.count)
        query = self._query(terms)
        if query is None or not wanted:
            return []
        if filters is not None:
            passing = Query.const_score_query(clause(filters, self.columns), 0.0)
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, passing)])
        if self._in_order:  # then the engine's order of equal scores is that of the ordinals
            return self._hits(query, wanted)
        return best(lambda limit: self._hits(query, limit), wanted, self.count)

    def _hits(self, query: Query, limit: int) -> Hits:
        hits = self._searcher.search(query, limit, count=False).hits
        ordinals = self._searcher.fast_field_values(ORDINAL, [address for _, address in hits])
        return [(int(ordinal or 0), float(score)) for ordinal, (score, _) in zip(ordinals, hits, strict=True)]

    def _query(self, terms: Sequence[str]) -> Query | None:
        counts = Counter(terms)
        chosen: Sequence[str] = list(counts)
        if len(counts) > MAX_QUERY_TERMS:
            frequency = {term: self._searcher.doc_freq(BODY, term) for term in counts}
            chosen = sorted((term for term in counts if frequency[term]), key=frequency.__getitem__)[:MAX_QUERY_TERMS]
        parts = [(Occur.Should, self._term_query(term, counts[term])) for term in chosen]
        return Query.boolean_query(parts) if parts else None

    def _term_query(self, term: str, count: int) -> Query:
        weight = count * self._correction(term) if self._with_deleted != self.count else float(count)
        query = Query.term_query(schema(), BODY, term, index_option="freq")
        return query if weight == 1.0 else Query.boost_query(query, weight)

    def _correction(self, term: str) -> float:
        """Return what makes the engine's idf, which counts deleted nodes, that of the nodes that are there."""
        known = self._corrections.get(term)
        if known is None:
            if len(self._corrections) > 10_000:
                self._corrections.clear()
            query = Query.term_query(schema(), BODY, term, index_option="freq")
            there = self._searcher.search(query, 1).count or 0  # type: ignore[attr-defined]
            counted = self._searcher.doc_freq(BODY, term)
            known = _idf(there, self.count) / _idf(counted, self._with_deleted)
            self._corrections[term] = known
        return known

    @property
    def deleted_share(self) -> float:
        """How many of the nodes in the engine's statistics are deleted."""
        return 1 - self.count / self._with_deleted if self._with_deleted else 0.0

    def length_drift(self) -> float:
        """Return how far the average length that the engine reckons with is from that of the nodes there are."""
        everything = Query.all_query()
        for term, _ in self._searcher.terms_with_prefix(BODY, "", filter_query=everything, limit=1):
            query = Query.term_query(schema(), BODY, term, index_option="freq")
            (_, address), *_ = self._searcher.search(query, 1).hits
            told = json.loads(query.explain(self._searcher, address).to_json())
            reckoned = next(_values(told, "avgdl"))
            total = self._searcher.aggregate(everything, {"total": {"sum": {"field": LENGTH}}})["total"]["value"]
            return abs(reckoned * self.count / float(total) - 1)
        return 0.0


def record_build(folder: Path) -> None:
    """Record that the nodes in the engine's files are in the order of their ordinals: they were added in one go."""
    segments = [segment["segment_id"] for segment in _segments(folder)]
    (folder / _BUILT).write_text(json.dumps(segments), "utf-8")


def _as_built(folder: Path) -> list[str]:
    segments: list[str] = json.loads((folder / _BUILT).read_bytes())
    return segments


def _segments(folder: Path) -> list[dict[str, Any]]:
    segments: list[dict[str, Any]] = json.loads((folder / "meta.json").read_bytes())["segments"]
    return segments


def _open(folder: Path) -> tantivy.Searcher:
    """Open the engine's files; it wants to lock their folder, so one that it cannot lock is opened through links."""
    lock = folder / ".tantivy-meta.lock"
    if not os.access(lock if lock.exists() else folder, os.W_OK):
        with tempfile.TemporaryDirectory(prefix="retrieverkit-bm25-") as links:
            for path in folder.iterdir():
                if path.suffix != ".lock":
                    os.symlink(path.absolute(), Path(links) / path.name)
            return _open(Path(links))
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
