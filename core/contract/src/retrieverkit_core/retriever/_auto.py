"""Retrievers that let a language model write the query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import NO_FILTERS, LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever._base import BaseRetriever, Hits
from retrieverkit_core.threads import offload

if TYPE_CHECKING:
    from pydantic import BaseModel


class BaseAutoRetriever(BaseRetriever, ABC):
    """Turns a question into a retrieval spec, builds the retriever for it, and asks that one.

    The caller's filters and scope are ANDed to whatever the spec says: a model may narrow, never widen. The spec is on
    the result, as ``result.spec``; what it has as ``notes`` is among the result's.
    """

    filter_capabilities = FilterCapabilities(delegates=True)
    chooses_top_k = True

    @abstractmethod
    def generate_retrieval_spec(self, query_bundle: QueryBundle) -> BaseModel:
        """Return what to retrieve.

        Raises:
            FilterGenerationError: The model's answer cannot be used.
        """

    async def agenerate_retrieval_spec(self, query_bundle: QueryBundle) -> BaseModel:
        """As `generate_retrieval_spec`, without blocking the event loop."""
        return await offload(self.generate_retrieval_spec, query_bundle)

    @abstractmethod
    def _build_retriever_from_spec(self, spec: BaseModel) -> tuple[BaseRetriever, QueryBundle]:
        """Return the retriever for ``spec`` and the query to ask it."""

    async def _abuild_retriever_from_spec(self, spec: BaseModel) -> tuple[BaseRetriever, QueryBundle]:
        """As `_build_retriever_from_spec`, without blocking the event loop."""
        return await offload(self._build_retriever_from_spec, spec)

    def _retrieve(self, query_bundle: QueryBundle) -> Hits:
        spec = self.generate_retrieval_spec(query_bundle)
        retriever, query = self._build_retriever_from_spec(spec)
        return _told(retriever.retrieve(self._narrowed(query, query_bundle)), retriever, spec)

    async def _aretrieve(self, query_bundle: QueryBundle) -> Hits:
        spec = await self.agenerate_retrieval_spec(query_bundle)
        retriever, query = await self._abuild_retriever_from_spec(spec)
        return _told(await retriever.aretrieve(self._narrowed(query, query_bundle)), retriever, spec)

    def _narrowed(self, query: QueryBundle, asked: QueryBundle) -> QueryBundle:
        """Return what the spec asks for within what the caller asked for: his limit, filters, scope and vectors."""
        limits = [limit for limit in (query.top_k, asked.top_k) if limit is not None]
        vectors = {}
        if query.embedding is None and query.custom_embedding_strs is None:
            vectors = {"embedding": asked.embedding, "custom_embedding_strs": asked.custom_embedding_strs}
        return query.replace(
            top_k=min(limits) if limits else self.default_top_k,
            filters=MetadataFilters.and_(query.filters, asked.filters),
            scope=MetadataFilters.and_(query.scope, asked.scope),
            **vectors,
        )


def _told(result: RetrievalResult, retriever: BaseRetriever, spec: BaseModel) -> RetrievalResult:
    """Return the answer of the retriever that the spec was for, as that of a leg, with the spec."""
    leg = LegStatus(
        retriever.name,
        LegState.OK if result else LegState.EMPTY,
        len(result),
        result.elapsed * 1000,
        legs=result.legs_of_its_own,
        note="; ".join(result.notes),
        filters=None if result.filters is NO_FILTERS else result.filters,
    )
    return RetrievalResult(
        result,
        legs=[leg],
        filters=result.filters,
        warnings=result.warnings,
        notes=tuple(getattr(spec, "notes", ())),
        abstained=result.abstained,
        spec=spec,
    )
