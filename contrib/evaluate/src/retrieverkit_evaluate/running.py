"""One system's run: every query asked, its hits folded to documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieverkit.commands import failed_legs
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever

KEPT = 5
"""How many hits of each answer are kept, to be shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered to one query.

    Attributes:
        documents: The ids of the documents, best first.
        top: The first hits of the first documents, as many as are kept.
        seconds: How long the retriever took to return as many nodes as documents were wanted.
        outcome: What kind of answer it is.
        problem: What is missing where it is partial, or "".
    """

    documents: Sequence[str]
    top: Sequence[NodeWithScore]
    seconds: float
    outcome: Outcome
    problem: str = ""


@dataclass(slots=True)
class Run:
    """What a system answered to all queries.

    Attributes:
        name: The system.
        answers: The answer by query id, where there is one.
        failures: The error by query id, where the retrieval failed.
        notes: What the retriever says of itself, such as the model that it uses.
        warnings: What a reader must know to trust the answers.
    """

    name: str
    answers: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)


def run(
    name: str,
    retriever: BaseRetriever,
    queries: Mapping[str, str],
    depth: int,
    on_query: Callable[[str], None],
    *,
    as_it_is: bool = False,
    kept: int = KEPT,
) -> Run:
    """Ask every query, one after the other.

    The first query is asked once more before, so that catching up with the corpus is not taken for response time.

    Args:
        name: The system.
        retriever: Its retriever.
        queries: The queries by id.
        depth: How many documents are wanted of each.
        on_query: Called with the id of each query after it was asked.
        as_it_is: Ask for as many nodes as the retriever gives by itself, and for no more.
        kept: How many hits of each answer are kept, to be shown.
    """
    done = Run(name)
    _warm_up(retriever, QueryBundle(next(iter(queries.values())), top_k=None if as_it_is else depth))
    for query_id, text in queries.items():
        try:
            result, seconds = _retrieve(retriever, text, None if as_it_is else depth)
        except RetrieverKitError as error:
            done.failures[query_id] = str(error)
        else:
            done.answers[query_id] = _answer(result, seconds, depth, kept)
            done.notes.update(dict.fromkeys(result.notes))
            done.warnings.update(dict.fromkeys(result.warnings))
        on_query(query_id)
    return done


def _warm_up(retriever: BaseRetriever, query: QueryBundle) -> None:
    try:
        retriever.retrieve(query)
    except RetrieverKitError:
        return  # it will fail again when it counts


def _retrieve(retriever: BaseRetriever, text: str, depth: int | None) -> tuple[RetrievalResult, float]:
    """Return nodes of ``depth`` documents or all there are, and the seconds that the first ``depth`` nodes took."""
    result = retriever.retrieve(QueryBundle(text, top_k=depth))
    seconds, asked = result.elapsed, depth
    while asked is not None and depth is not None and len(result) >= asked and len(_by_document(result)) < depth:
        asked *= 2
        result = retriever.retrieve(QueryBundle(text, top_k=asked))
    return result, seconds


def _by_document(result: RetrievalResult) -> dict[str, NodeWithScore]:
    """Return the first hit of each document, best first; a node of no document stands for itself."""
    found: dict[str, NodeWithScore] = {}
    for hit in result:
        found.setdefault(hit.ref_doc_id or hit.node_id, hit)
    return found


def _answer(result: RetrievalResult, seconds: float, depth: int, kept: int) -> Answer:
    found = _by_document(result)
    problem = "; ".join(failed_legs(result.legs)) if result.outcome is Outcome.PARTIAL else ""
    return Answer(
        documents=tuple(found)[:depth],
        top=tuple(found.values())[: min(kept, depth)],
        seconds=seconds,
        outcome=result.outcome,
        problem=problem,
    )
