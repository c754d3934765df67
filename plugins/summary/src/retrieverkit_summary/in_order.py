"""`SummaryRetriever`: all nodes in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.found import Found
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import UNSCORED
from retrieverkit_summary.nodes_in_order import NodesInOrder
from retrieverkit_summary.plugin import FILTERS


class SummaryRetriever(BaseRetriever):
    """Returns all nodes that pass the filters in order, whatever the query: documents as they were added.

    A document that was changed comes behind those that were not. Hits have no score.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say; None for all.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.
    """

    scores = UNSCORED
    filter_capabilities = FILTERS
    answers_blank = True
    name = "summary"

    def __init__(self, corpus: Corpus, storage: Path | str, *, top_k: int | None = None, **base: Any) -> None:
        super().__init__(**base)
        self.default_top_k = top_k
        self._corpus = corpus
        self._nodes = NodesInOrder(corpus, Path(storage))

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        limit = UNLIMITED if query_bundle.top_k is None else query_bundle.top_k
        ordinals, cursor = self._nodes.ordinals(query_bundle.filters, limit)
        return Found([(ordinal, None) for ordinal in ordinals], self._corpus, cursor)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        return Plan(self.name, "reads nodes in their order")
