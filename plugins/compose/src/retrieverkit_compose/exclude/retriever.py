"""`ExcludeRetriever`: what is never to be found."""

from __future__ import annotations

from typing import Any

from retrieverkit_compose.around import Around, explicit
from retrieverkit_core.errors import OptionError
from retrieverkit_core.filters import FilterCondition, FiltersLike, MetadataFilters
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever


class ExcludeRetriever(Around):
    """Asks a retriever with a filter that keeps something out, whatever filters a query has.

    Args:
        retriever: The retriever that finds the hits.
        what: What is kept out, as a filter.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``hooks``, ``verbose``. Objects belong to ``retriever``, so that what
            index nodes lead to is looked at here.

    Raises:
        OptionError: Objects are given.
        FilterError: ``what`` is not a filter.
    """

    replaces_nodes = True  # what index nodes lead to must be kept out too
    name = "exclude"

    def __init__(self, retriever: BaseRetriever, what: FiltersLike, *, top_k: int = 5, **base: Any) -> None:
        if base.get("object_map") or base.get("objects"):
            problem = "what they lead to would not be excluded"
            raise OptionError(self.name, [("object_map", problem)], fix="give the objects to the retriever within")
        super().__init__(retriever, **base)
        self._but = MetadataFilters(filters=[MetadataFilters.of(what)], condition=FilterCondition.NOT)
        self.default_top_k = top_k
        self.scores = retriever.score_spec

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._told(self.retriever.retrieve(self._asked(query_bundle)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._told(await self.retriever.aretrieve(self._asked(query_bundle)))

    def _told(self, found: RetrievalResult) -> RetrievalResult:
        return self._made([hit for hit in found if self._but.admits(hit.node)], found)

    def _asked(self, query: QueryBundle) -> QueryBundle:
        return explicit(query).replace(filters=MetadataFilters.and_(query.filters, self._but))

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        within = self.retriever.plan(self._asked(self._limited(query_bundle)))
        return Plan(self.name, f"asks with {self._but}", parts=(within,))
