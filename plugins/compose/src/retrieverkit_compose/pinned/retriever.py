"""`PinnedRetriever`: what always comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrieverkit_compose.around import Around, checked, evidence_of, explicit
from retrieverkit_compose.pinned.options import PinnedSettings
from retrieverkit_compose.relatives import Relatives
from retrieverkit_compose.router.choosing import ByRule
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scoping import scoped
from retrieverkit_core.threads import offload


class PinnedRetriever(Around):
    """Puts some nodes before all that a retriever finds, where they pass filters and scope.

    They have no score: nobody has compared them with the query. Their evidence is ``pinned``, and the place that the
    retriever has them at, if it does.

    Args:
        retriever: The retriever whose hits come after the pinned ones.
        corpus: Where the nodes are.
        ids: The ids of the nodes that come first, in this order.
        when: Only for queries that say one of these words or phrases, in any case; for all if None.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
    """

    replaces_nodes = True
    name = "pinned"

    def __init__(
        self,
        retriever: BaseRetriever,
        corpus: Corpus,
        ids: Sequence[str],
        *,
        when: Sequence[str] | None = None,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        settings = checked(self.name, PinnedSettings, {"ids": ids, "when": when, "top_k": top_k})
        self._ids = list(dict.fromkeys(settings.ids))
        self._rule = None if settings.when is None else ByRule([settings.when])
        self._corpus = corpus
        self.default_top_k = settings.top_k
        self.scores = retriever.score_spec

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._with_pinned(query_bundle, self.retriever.retrieve(explicit(query_bundle)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return await offload(self._with_pinned, query_bundle, await self.retriever.aretrieve(explicit(query_bundle)))

    def _with_pinned(self, query: QueryBundle, found: RetrievalResult) -> RetrievalResult:
        if self._rule is not None and not self._rule.choose(query).routes:
            return self._made(found, found)
        relatives = Relatives(self._corpus, query)
        relatives.read(self._ids)
        ranks = {hit.node.id: rank for rank, hit in enumerate(found, 1)}
        pinned = []
        for rank, node in enumerate(filter(None, map(relatives.get, self._ids)), 1):
            at = ranks.get(node.id)
            below = () if at is None else evidence_of(found[at - 1], self.retriever.name, at)
            pinned.append(NodeWithScore(node, None, (Evidence("pinned", rank, None), *below)))
        first = {hit.node.id for hit in pinned}
        hits = [*pinned, *(hit for hit in found if hit.node.id not in first)]
        missing = 0 if scoped() else len(relatives.missing)  # under a scope it would tell of what is outside
        warning = f"{missing} of {len(self._ids)} pinned ids are not in the index"
        return self._made(hits[: query.top_k], found, warnings=[warning] if missing else ())

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        within = self.retriever.plan(self._limited(query_bundle))
        return Plan(self.name, f"puts up to {len(self._ids)} nodes first", parts=(within,))
