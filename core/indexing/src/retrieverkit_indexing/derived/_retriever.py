"""`IndexRetriever`: a retriever that searches one derived index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_indexing.derived._answering import answer
from retrieverkit_indexing.derived._index import DerivedIndex

R = TypeVar("R")


class IndexRetriever(BaseRetriever, Generic[R]):
    """Finds nodes in an index derived from a corpus.

    Subclasses set `index` and implement `_search`. What it finds is fetched from the corpus; a composite that keeps
    few of many candidates fetches those few only (`LateNodes`).

    Attributes:
        index: The index.
    """

    index: DerivedIndex[R]

    def _search(self, reader: R, query_bundle: QueryBundle) -> Sequence[tuple[int, float | None]]:
        """Return ``(ordinal, score)`` pairs, best first.

        Args:
            reader: A state of the index that is up to date.
            query_bundle: What `_retrieve` is given.
        """
        raise NotImplementedError

    def _retrieve(self, query_bundle: QueryBundle) -> Sequence[NodeWithScore]:
        return answer(self.index, lambda reader: self._search(reader, query_bundle))
