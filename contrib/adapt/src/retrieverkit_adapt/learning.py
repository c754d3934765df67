"""`adapt`: from judged queries to what was learned, with what it changed on queries that were held out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit_adapt.adapted import Adapted, Fold, Learned
from retrieverkit_adapt.adapters import AdapterLearner, Setting, relevant_of, with_adapter
from retrieverkit_adapt.folds import folds_of, others, same_words
from retrieverkit_adapt.measuring import Measuring, Values
from retrieverkit_adapt.weights import Weighted, best, check_unknown, weightings
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_evaluate import Collection, read_qrels, read_queries
from retrieverkit_evaluate.measuring import Measures
from retrieverkit_vector import write_adapter

if TYPE_CHECKING:
    from retrieverkit.index import Index, Mode
    from retrieverkit_evaluate.collection import Qrels, Queries

MIN_QUERIES = 10
"""With fewer judged queries nothing is learned: what was held out could not show that it helps."""

_FOLDS = 5
_NDCG = "nDCG@10"

OnProgress = Callable[[str, int, int], None]
"""Called with what is done, how much of it is done, and how much there is, 0 where that is not known."""


def adapt(
    index: Index,
    queries: Queries | str | os.PathLike[str],
    qrels: Qrels | str | os.PathLike[str],
    mode: Mode = "vector",
    *,
    learn: Learned | None = None,
    k: int = 10,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Adapted:
    """Learn an adapter, or weights, from judged queries, and measure what it changes.

    The queries are parted in five. Each part is asked with what was learned from the four others, how far queries are
    moved and which weights are best included, so no query is judged by what was learned from it. What is returned was
    learned from all of them. It is kept if recall@k (for an adapter) or nDCG@10 (for weights) is higher on the queries
    that were held out, and a paired randomisation test says that chance gives as much in less than 5 % of cases.

    Args:
        index: The index.
        queries: The queries: texts by id, or a file that `retrieverkit_evaluate.read_queries` reads.
        qrels: The judgements: grades by query id and document id, or a file that `read_qrels` reads.
        mode: The mode: ``vector``, ``hybrid``, a fusion, or a mode around them.
        learn: ``"adapter"`` or ``"weights"``; None for the weights of a fusion or of hybrid, else an adapter.
        k: Recall counts so many documents.
        seed: The same seed, index and judgements give the same result.
        on_progress: Called as the work goes on.

    Raises:
        ReadError: A file cannot be read.
        ConfigError: There are too few queries, the mode has nothing to learn, or what is given does not fit together.
        RetrievalError: A query has no whole answer.
        ServiceError: The embedding cannot answer.
    """
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= 1000:
        raise ConfigError(f"k is a number of documents from 1 to 1000, not {k!r}", fix="leave it out for 10")
    spec = RetrieverSpec.from_obj(mode)
    wanted = _wanted(learn, spec)
    collection, remarks = _usable(index, queries, qrels)
    recall = f"R@{k}"
    names = (recall, _NDCG) if wanted == "adapter" else (_NDCG, recall)
    weighted = weightings(spec, index.as_retriever(spec)) if wanted == "weights" else []
    total = len(collection.queries) * (len(weighted) or 2)  # an adapter: before and after
    done = 0

    def on_query(query_id: str) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress("asking queries", done, total)

    depth = max(k, 10)
    measuring = Measuring(index, collection, Measures(names, depth), depth, on_query)
    parts = folds_of(collection.queries, _FOLDS, seed)
    if on_progress is not None:
        on_progress("asking queries", 0, total)
    if wanted == "adapter":
        learner = AdapterLearner(index, spec, collection, k, seed)
        found = _adapter(learner, measuring, spec, parts, names, seed)
    else:
        check_unknown(spec, collection.queries, index.path.parent)
        found = _weights(weighted, measuring, spec, parts, names, seed)
    return replace(found, unseen=_unseen(collection, parts), remarks=tuple(remarks))


def _wanted(learn: Learned | None, spec: RetrieverSpec) -> Learned:
    if learn is None:
        return "weights" if spec.mode in ("fusion", "hybrid") else "adapter"
    if learn not in ("adapter", "weights"):
        raise ConfigError(f"learn is 'adapter' or 'weights', not {learn!r}", fix="leave it out to go by the mode")
    return learn


def _usable(
    index: Index, queries: Queries | str | os.PathLike[str], qrels: Qrels | str | os.PathLike[str]
) -> tuple[Collection, list[str]]:
    """Return the queries that something can be learned from, and what a reader must know of the others."""
    documents = frozenset(index.document_ids())
    given = Collection.of(
        queries if isinstance(queries, Mapping) else read_queries(queries),
        qrels if isinstance(qrels, Mapping) else read_qrels(qrels),
        documents,
    )
    remarks = given.coverage.remarks()
    answered = [each for each in given.queries if documents.intersection(relevant_of(given, each))]
    if lost := len(given.queries) - len(answered):
        remarks.append(f"queries of whose relevant documents none is in the index, left out: {lost:,}")
    groups = same_words({each: given.queries[each] for each in answered})
    if again := len(answered) - len(groups):
        remarks.append(f"queries in the same words as another, taken as one with the judgements of all: {again:,}")
    if (different := len(groups)) < MIN_QUERIES:
        raise ConfigError(
            f"{MIN_QUERIES} different queries with a relevant document in the index are needed; there are {different} "
            f"of {given.coverage.queries}",
            fix=f"judge {MIN_QUERIES - different} more, better a hundred: with few, only large differences show",
        )
    chosen = {group[0]: given.queries[group[0]] for group in groups}
    qrels = {group[0]: _together([given.qrels[each] for each in group]) for group in groups}
    collection = Collection(chosen, qrels, given.coverage)
    relevant = {frozenset(relevant_of(collection, each)) for each in chosen}
    if len(relevant) == 1:
        raise ConfigError(
            "every query has the same relevant documents, so there is nothing to tell apart",
            fix="judge queries that other documents answer",
        )
    return collection, remarks


def _together(judgements: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the judgements of queries that are one; of two grades of a document the higher."""
    best: dict[str, int] = {}
    for grades in judgements:
        for document, grade in grades.items():
            best[document] = max(grade, best.get(document, grade))
    return best


def _unseen(collection: Collection, parts: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the queries none of whose relevant documents were relevant for a query of another part."""
    found: set[str] = set()
    for place, part in enumerate(parts):
        known = {document for each in others(parts, place) for document in relevant_of(collection, each)}
        found.update(each for each in part if known.isdisjoint(relevant_of(collection, each)))
    return frozenset(found)


def _adapter(
    learner: AdapterLearner,
    measuring: Measuring,
    spec: RetrieverSpec,
    parts: Sequence[Sequence[str]],
    names: tuple[str, ...],
    seed: int,
) -> Adapted:
    every = [query_id for part in parts for query_id in part]
    before = measuring.values(spec, every)
    after: Values = {name: {} for name in names}
    folds = []
    with tempfile.TemporaryDirectory(prefix="retrieverkit-adapt-") as folder:
        for place, part in enumerate(parts):
            training = others(parts, place)
            setting = learner.best(training)
            values = {name: {query: before[name][query] for query in part} for name in names}
            if setting is not None:
                file = Path(folder, f"{place}.json").resolve()
                write_adapter(learner.adapter(training, setting, "not yet measured"), file)
                values = measuring.values(with_adapter(spec, str(file)), part)
            for name in names:
                after[name].update(values[name])
            folds.append(Fold(tuple(part), _in_words(setting)))
    setting = learner.best(every)
    found = Adapted(
        learn="adapter",
        mode=str(spec),
        queries=len(every),
        measures=names,
        folds=tuple(folds),
        before=before,
        after=after,
        unseen=frozenset(),
        adapter=None,
        spec=None,
        setting=_in_words(setting),
        seed=seed,
    )
    if setting is None:
        return found
    change = found.change(names[0])
    measured = f"{change.measure} {change.before:.3f} → {change.after:.3f} on held-out queries"
    return replace(found, adapter=learner.adapter(every, setting, measured))


def _in_words(setting: Setting | None) -> str:
    return "no adapter" if setting is None else str(setting)


def _weights(
    weighted: Sequence[Weighted],
    measuring: Measuring,
    spec: RetrieverSpec,
    parts: Sequence[Sequence[str]],
    names: tuple[str, ...],
    seed: int,
) -> Adapted:
    every = [query_id for part in parts for query_id in part]
    values = [measuring.values(each.spec, every) for each in weighted]
    decisive = [each[names[0]] for each in values]
    after: Values = {name: {} for name in names}
    folds = []
    for place, part in enumerate(parts):
        chosen = best(weighted, decisive, others(parts, place))
        for name in names:
            after[name].update({query: values[chosen][name][query] for query in part})
        folds.append(Fold(tuple(part), weighted[chosen].setting))
    chosen = best(weighted, decisive, every)
    return Adapted(
        learn="weights",
        mode=str(spec),
        queries=len(every),
        measures=names,
        folds=tuple(folds),
        before=values[0],
        after=after,
        unseen=frozenset(),
        adapter=None,
        spec=weighted[chosen].spec,
        setting=weighted[chosen].setting,
        seed=seed,
    )
