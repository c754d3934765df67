"""Asking a mode the judged queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrieverkit_core.errors import RetrievalError
from retrieverkit_core.observers import Observers
from retrieverkit_core.result import Outcome
from retrieverkit_evaluate.running import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieverkit.index import Index
    from retrieverkit_core.spec import RetrieverSpec
    from retrieverkit_evaluate.collection import Collection
    from retrieverkit_evaluate.measuring import Measures

Values = dict[str, dict[str, float]]
"""Values by measure and query id."""


class Measuring:
    """Measures modes on judged queries.

    Args:
        index: The index.
        collection: The queries and judgements.
        measures: What is measured.
        depth: How many documents a ranking has at most.
        on_query: Called after each query that was asked.
    """

    def __init__(
        self, index: Index, collection: Collection, measures: Measures, depth: int, on_query: Callable[[str], None]
    ) -> None:
        self._index = index
        self._collection = collection
        self._measures = measures
        self._depth = depth
        self._on_query = on_query

    def values(self, spec: RetrieverSpec, query_ids: Sequence[str]) -> Values:
        """Return the value of each query by each measure. Observers are not told of these retrievals.

        Raises:
            RetrievalError: A query failed, or its answer was partial: an error is not a bad ranking.
        """
        queries = {query_id: self._collection.queries[query_id] for query_id in query_ids}
        qrels: Mapping[str, Mapping[str, int]] = {each: self._collection.qrels[each] for each in query_ids}
        retriever = self._index.as_retriever(spec, hooks=Observers.of())
        done = run(str(spec), retriever, queries, self._depth, self._on_query, as_it_is="top_k" in spec.options)
        partial = {each: told.problem for each, told in done.answers.items() if told.outcome is Outcome.PARTIAL}
        for query_id, problem in (*done.failures.items(), *partial.items()):
            raise RetrievalError(
                f"{len(done.failures) + len(partial)} of {len(queries)} queries have no whole answer from {spec}, so "
                f"nothing can be learned: query {query_id}: {problem.partition(chr(10))[0]}",
                fix="mend what fails, or leave those queries out",
            )
        return self._measures.values(qrels, {each: done.answers[each].documents for each in query_ids})
