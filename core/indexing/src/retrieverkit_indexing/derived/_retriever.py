"""`IndexRetriever`: a retriever that searches one derived index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from retrieverkit_core.found import Found, Pair
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_indexing.derived._answering import answer
from retrieverkit_indexing.derived._serving import CorpusIndex

R = TypeVar("R")


class IndexRetriever(BaseRetriever, Generic[R]):
    """Finds nodes in an index derived from a corpus.

    Subclasses set `index` and implement `_search`. Core reads the nodes that are found, after the cut; a composite
    that keeps few of many candidates has only those read.

    Attributes:
        index: The index.
    """

    index: CorpusIndex[R]

    def _search(self, reader: R, query_bundle: QueryBundle) -> Sequence[Pair]:
        """Return ``(ordinal, score)`` pairs, best first; as `Found` where this answer has something to tell.

        Args:
            reader: A state of the index that is up to date.
            query_bundle: What `_retrieve` is given.
        """
        raise NotImplementedError

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        return answer(self.index, lambda reader: self._search(reader, query_bundle))
