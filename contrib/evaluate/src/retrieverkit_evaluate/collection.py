"""A test collection: the queries that can be scored on an index, and what of the given files cannot."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_evaluate.document_paths import by_path, record_id

Queries = Mapping[str, str]
"""The text of each query by its id."""

Qrels = Mapping[str, Mapping[str, int]]
"""The grade of each judged document by query id and document id; a grade above 0 means relevant."""

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the queries, the judgements and the index fit together.

    Attributes:
        queries: How many queries were given.
        judgements: How many judgements were given.
        unjudged: Queries without any judgement; they are left out.
        nothing_relevant: Queries with judgements of which none is above 0; they are left out, since every ranking is
            equally bad for them.
        unknown_queries: Queries that are judged and were not given; they are left out.
        missing_documents: Judged documents that are not in the index. Their judgements count: a relevant document that
            is missing cannot be found, and costs every system the same.
        ambiguous: Judged ids that records of several files have; the judgement counts for the one that was read first.
        found_by_path: Judged documents that the index has under a longer or a shorter path; they count as those.
        without_grade: How many rows of a judging sheet have no grade yet; they count as not relevant.
    """

    queries: int
    judgements: int
    unjudged: tuple[str, ...] = ()
    nothing_relevant: tuple[str, ...] = ()
    unknown_queries: tuple[str, ...] = ()
    missing_documents: tuple[str, ...] = ()
    found_by_path: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    without_grade: int = 0

    def remarks(self) -> list[str]:
        """Return what a reader must know of what was left out, one line each."""
        told = [
            (self.unjudged, "queries without a judgement, left out"),
            (self.nothing_relevant, "queries without a relevant document, left out"),
            (self.unknown_queries, "judged queries that are not among the queries, left out"),
            (self.missing_documents, "judged documents that are not in the index, not found if relevant"),
            (self.ambiguous, "judged ids that records of several files have, taken for the one that was read first"),
            (self.found_by_path, "judged documents that the index has under another path, taken for those"),
        ]
        lines = [f"{what}: {len(ids):,} ({_some(ids)})" for ids, what in told if ids]
        if self.without_grade:
            lines.append(f"rows of the judging sheet without a grade, counted as not relevant: {self.without_grade:,}")
        return lines


@dataclass(frozen=True, slots=True)
class Collection:
    """The queries that are scored, and their judgements.

    Attributes:
        queries: The text of each query, by id, in the given order.
        qrels: The judgements of those queries, by the same ids; none is below 0.
        coverage: What was given and what of it is left out.
    """

    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    coverage: Coverage

    @classmethod
    def of(cls, queries: Queries, qrels: Qrels, documents: Set[str], without_grade: int = 0) -> Collection:
        """Return what can be scored.

        Args:
            queries: The queries.
            qrels: The judgements; a grade below 0 is taken as 0.
            documents: The id of each document in the index.
            without_grade: How many rows of a judging sheet have no grade yet.

        Raises:
            ConfigError: Nothing can be scored, or a value has the wrong type.
        """
        _check_types(queries, qrels)
        others = by_path({doc_id for judged in qrels.values() for doc_id in judged}, documents)
        qrels = {
            query_id: {others.get(doc_id, doc_id): grade for doc_id, grade in judged.items()}
            for query_id, judged in qrels.items()
        }
        unjudged = tuple(query_id for query_id in queries if not qrels.get(query_id))
        hopeless = tuple(query_id for query_id in queries if qrels.get(query_id) and max(qrels[query_id].values()) <= 0)
        repeated = _repeated(documents)
        judged_documents = dict.fromkeys(doc_id for judged in qrels.values() for doc_id in judged)
        coverage = Coverage(
            queries=len(queries),
            judgements=sum(map(len, qrels.values())),
            unjudged=unjudged,
            nothing_relevant=hopeless,
            unknown_queries=tuple(query_id for query_id in qrels if query_id not in queries),
            missing_documents=tuple(doc_id for doc_id in judged_documents if doc_id not in documents),
            found_by_path=tuple(sorted(others)),
            ambiguous=tuple(doc_id for doc_id in judged_documents if doc_id in documents and doc_id in repeated),
            without_grade=without_grade,
        )
        left_out = {*unjudged, *hopeless}
        scored = {query_id: text for query_id, text in queries.items() if query_id not in left_out}
        if not scored:
            raise ConfigError(_nothing_to_score(queries, qrels), fix="check that both files use the same query ids")
        if len(coverage.missing_documents) == len(judged_documents):
            raise ConfigError(
                f"none of the {len(judged_documents):,} judged documents is in the index: judged are "
                f"{_some(tuple(judged_documents))}; the index holds {_some(tuple(sorted(documents)[: _SHOWN + 1]))}",
                fix="judge the documents by the ids that they have in the index",
            )
        grades = {query_id: {doc: max(grade, 0) for doc, grade in qrels[query_id].items()} for query_id in scored}
        return cls(scored, grades, coverage)


def _repeated(documents: Set[str]) -> frozenset[str]:
    """Return the ids that records of several files have."""
    return frozenset(filter(None, map(record_id, documents)))


def _check_types(queries: Queries, qrels: Qrels) -> None:
    for query_id, text in queries.items():
        if not isinstance(query_id, str) or not isinstance(text, str) or not text.strip():
            raise ConfigError(f"query {shorten(repr(query_id))} needs a string id and a text", fix="write {id: text}")
    for query_id, judged in qrels.items():
        grades = judged.items() if isinstance(judged, Mapping) else [(None, None)]
        sound = all(isinstance(doc, str) and type(grade) is int for doc, grade in grades)
        if not isinstance(query_id, str) or not sound:
            raise ConfigError(
                f"the judgements of query {shorten(repr(query_id))} are not integers by document id",
                fix="write {query id: {document id: grade}}",
            )


def _nothing_to_score(queries: Queries, qrels: Qrels) -> str:
    if queries.keys() & qrels.keys():
        return "no query has a judgement above 0"
    return f"no query is judged: queries are {_some(tuple(queries))}; judged are {_some(tuple(qrels))}"


def _some(ids: tuple[str, ...]) -> str:
    shown = ", ".join(shorten(each, 30) for each in ids[:_SHOWN]) or "none"
    return f"{shown}, …" if len(ids) > _SHOWN else shown
