"""`evaluate`: from an index, queries and judgements to a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ConfigError, RetrievalError
from retrieverkit_core.observers import Observers
from retrieverkit_core.result import Outcome
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_evaluate.collection import Collection, Qrels, Queries
from retrieverkit_evaluate.measuring import DEFAULT_MEASURES, Measures
from retrieverkit_evaluate.qrels_file import read_qrels
from retrieverkit_evaluate.queries_file import read_queries
from retrieverkit_evaluate.report import Comparison, Report, Score, System, compared
from retrieverkit_evaluate.running import Run, run
from retrieverkit_evaluate.statistics import holm, interval, p_value
from retrieverkit_evaluate.taught import taught_by

if TYPE_CHECKING:
    from retrieverkit.index import Index, Mode
    from retrieverkit_core.retriever import BaseRetriever

OnProgress = Callable[[str, int, int, str], None]
"""Called with a system, how many of its queries are done, how many there are, and the last one's id, "" before any."""


def evaluate(
    index: Index,
    queries: Queries | str | os.PathLike[str],
    qrels: Qrels | str | os.PathLike[str],
    modes: Sequence[Mode],
    *,
    measures: Sequence[str] = DEFAULT_MEASURES,
    depth: int = 100,
    seed: int = 0,
    without_grade: int = 0,
    on_progress: OnProgress | None = None,
) -> Report:
    """Measure modes on judged queries, and compare each with the first.

    Rankings are of documents: the first hit of a document counts, and where documents were cut into nodes, more nodes
    are asked for until there are ``depth`` documents or the mode has no more. A mode that sets ``top_k`` itself is
    asked for as many nodes as it says.

    A query that fails in one system is left out of every number of every system: all numbers of a report are about
    the same queries, and an error is not taken for a bad ranking. It is told in the report, as are partial answers,
    which count as they are.

    Observers are not told of these retrievals.

    Args:
        index: The index.
        queries: The queries: texts by id, or a file that `read_queries` reads.
        qrels: The judgements: grades by query id and document id, or a file that `read_qrels` reads.
        modes: Mode strings, or specs; the others are compared with the first.
        measures: Names of ir-measures.
        depth: How many documents a ranking has at most.
        seed: The seed of the resampling; the same seed and rankings give the same report.
        without_grade: How many rows of a judging sheet have no grade, to be told in the report; see `read_sheet`.
        on_progress: Called before the first and after every query of a system.

    Raises:
        ReadError: A file cannot be read.
        ConfigError: A mode or a measure is wrong, or the queries, judgements and documents do not fit together.
        PluginError: The plugin of a mode is broken.
        RetrievalError: No query was answered by every system.
    """
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 1:
        raise ConfigError(f"depth is a number of documents, at least 1, not {depth!r}", fix="leave it out for 100")
    wanted = Measures(measures, depth)
    specs = _specs(modes)
    documents = frozenset(index.document_ids())
    collection = Collection.of(
        queries if isinstance(queries, Mapping) else read_queries(queries),
        qrels if isinstance(qrels, Mapping) else read_qrels(qrels),
        documents,
        without_grade,
    )
    retrievers = {name: index.as_retriever(spec, hooks=Observers.of()) for name, spec in specs.items()}
    runs = {
        name: _run(name, retriever, collection, depth, on_progress, as_it_is="top_k" in specs[name].options)
        for name, retriever in retrievers.items()
    }
    answered = [query_id for query_id in collection.queries if all(query_id in r.answers for r in runs.values())]
    if not answered:
        raise _nothing_answered(runs)
    return Report(
        collection=collection,
        query_ids=answered,
        systems=_systems(runs),
        measures=wanted.names,
        scores=_scores(wanted, collection, answered, runs, seed),
        documents=len(documents),
        depth=depth,
        seed=seed,
        runs=runs,
        titles=_titles(index, collection),
    )


def _titles(index: Index, collection: Collection) -> dict[str, str]:
    """Return the titles of the relevant documents that have one."""
    relevant = dict.fromkeys(doc for judged in collection.qrels.values() for doc, grade in judged.items() if grade > 0)
    titles = {}
    for doc_id in relevant:
        document = index.document(doc_id)
        title = None if document is None else document.metadata.get("title")
        if isinstance(title, str) and title.strip():
            titles[doc_id] = " ".join(title.split())
    return titles


def _specs(modes: Sequence[Mode]) -> dict[str, RetrieverSpec]:
    if isinstance(modes, (str, RetrieverSpec, Mapping)) or not modes:
        raise ConfigError("modes are a list of mode strings, at least one", fix='write ["bm25", "hybrid"]')
    specs: dict[str, RetrieverSpec] = {}
    for mode in modes:
        spec = RetrieverSpec.from_obj(mode)
        if str(spec) in specs:
            raise ConfigError(f"the mode {spec} is given twice", fix="give each mode once")
        specs[str(spec)] = spec
    return specs


def _run(
    name: str,
    retriever: BaseRetriever,
    collection: Collection,
    depth: int,
    on_progress: OnProgress | None,
    *,
    as_it_is: bool,
) -> Run:
    done = 0

    def on_query(query_id: str) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(name, done, len(collection.queries), query_id)

    if on_progress is not None:
        on_progress(name, 0, len(collection.queries), "")
    found = run(name, retriever, collection.queries, depth, on_query, as_it_is=as_it_is)
    if warning := taught_by(retriever, collection.queries):
        found.warnings[warning] = None
    return found


def _nothing_answered(runs: Mapping[str, Run]) -> RetrievalError:
    failed = [(done.name, *next(iter(done.failures.items()))) for done in runs.values() if done.failures]
    told = "; ".join(f"{name} on query {query_id}: {error.partition(chr(10))[0]}" for name, query_id, error in failed)
    return RetrievalError(
        f"no query was answered by every system, so there is nothing to compare: {told}",
        fix="evaluate the systems that work, or mend the one that fails",
    )


def _systems(runs: Mapping[str, Run]) -> list[System]:
    times = {name: _mean([answer.seconds for answer in done.answers.values()]) for name, done in runs.items()}
    first = next(iter(times.values()))
    return [
        System(
            name=name,
            milliseconds=times[name] * 1000,
            ratio=times[name] / first if first > 0 else None,
            failed=done.failures,
            partial={q: answer.problem for q, answer in done.answers.items() if answer.outcome is Outcome.PARTIAL},
            empty=sum(answer.outcome is Outcome.EMPTY for answer in done.answers.values()),
            abstained=sum(answer.outcome is Outcome.ABSTAINED for answer in done.answers.values()),
            notes=tuple(done.notes),
            warnings=tuple(done.warnings),
        )
        for name, done in runs.items()
    ]


def _scores(
    measures: Measures, collection: Collection, query_ids: Sequence[str], runs: Mapping[str, Run], seed: int
) -> dict[tuple[str, str], Score]:
    qrels = {query_id: collection.qrels[query_id] for query_id in query_ids}
    values = {
        name: measures.values(qrels, {query_id: done.answers[query_id].documents for query_id in query_ids})
        for name, done in runs.items()
    }
    comparisons = dict(_comparisons(measures, values, seed))
    scores = {}
    for measure in measures.names:
        for name in runs:
            of_queries = values[name][measure]
            numbers = list(of_queries.values())
            scores[measure, name] = Score(
                measure, name, _mean(numbers), interval(numbers, seed), of_queries, comparisons.get((measure, name))
            )
    return scores


def _comparisons(
    measures: Measures, values: Mapping[str, Mapping[str, Mapping[str, float]]], seed: int
) -> Iterator[tuple[tuple[str, str], Comparison]]:
    """Yield the comparison of each system with the first by each measure; all of them are one family of tests."""
    first, *others = values
    differences = {
        (measure, name): [value - values[first][measure][query_id] for query_id, value in values[name][measure].items()]
        for measure in measures.names
        for name in others
    }
    p_values = [p_value(difference, seed) for difference in differences.values()]
    for (key, difference), p, corrected in zip(differences.items(), p_values, holm(p_values), strict=True):
        yield key, compared(difference, interval(difference, seed), p, corrected)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
