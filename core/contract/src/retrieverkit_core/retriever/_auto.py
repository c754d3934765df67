"""Retrievers that let a language model write the query."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.retriever._base import BaseRetriever, Hits
from retrieverkit_core.threads import offload

if TYPE_CHECKING:
    from pydantic import BaseModel


class BaseAutoRetriever(BaseRetriever, ABC):
    """Turns a question into a retrieval spec, builds the retriever for it, and asks that one.

    The caller's filters and scope are ANDed to whatever the spec says: a model may narrow, never widen.
    """

    filter_capabilities = FilterCapabilities(delegates=True)

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
        retriever, query = self._build_retriever_from_spec(self.generate_retrieval_spec(query_bundle))
        return retriever.retrieve(_narrowed(query, query_bundle))

    async def _aretrieve(self, query_bundle: QueryBundle) -> Hits:
        spec = await self.agenerate_retrieval_spec(query_bundle)
        retriever, query = await self._abuild_retriever_from_spec(spec)
        return await retriever.aretrieve(_narrowed(query, query_bundle))


def _narrowed(query: QueryBundle, asked: QueryBundle) -> QueryBundle:
    # The limit that was asked for holds: a model may want fewer hits, and core cuts, yet never makes them more.
    wanted = asked.top_k if query.top_k is None else min(query.top_k, asked.top_k or UNLIMITED)
    return query.replace(
        top_k=wanted,
        filters=MetadataFilters.and_(query.filters, asked.filters),
        scope=MetadataFilters.and_(query.scope, asked.scope),
    )
