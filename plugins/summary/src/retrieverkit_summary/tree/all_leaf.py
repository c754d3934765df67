"""`TreeAllLeafRetriever`: all nodes, in the order of the tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilter
from retrieverkit_core.found import Found
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import UNSCORED
from retrieverkit_summary.plugin import FILTERS
from retrieverkit_summary.tree.source import NUM_CHILDREN, TreeSource


class TreeAllLeafRetriever(BaseRetriever):
    """Returns the leaves of the tree, which are all nodes that pass the filters, in its order, whatever the query.

    The order is by the document's id, in which numbers go by their value, then as in the document: it depends on what
    is there, not on when it was added. Hits have no score. No summary is made.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say; None for all.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.
    """

    scores = UNSCORED
    filter_capabilities = FILTERS
    answers_blank = True
    name = "tree_all_leaf"

    def __init__(self, corpus: Corpus, storage: Path | str, *, top_k: int | None = None, **base: Any) -> None:
        super().__init__(**base)
        self.default_top_k = top_k
        self._source = TreeSource(corpus, Path(storage), NUM_CHILDREN, self.name)
        self.index = self._source.index

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        tree, cursor = self._source.now(query_bundle.filters)
        ordinals = tree.ordinals[: query_bundle.top_k].tolist()
        return Found([(at, None) for at in ordinals], self._source.corpus, cursor, disown=self.index.rebuild)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        return Plan(self.name, "reads nodes in the order of the tree")
