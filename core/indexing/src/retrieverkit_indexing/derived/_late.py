"""Fusing first and fetching nodes after: of a hundred candidates a leg, ten are read from the corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from retrieverkit_core.corpus import Cursor
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_indexing.derived._retriever import IndexRetriever


class StandIn:
    """Stands for the node at an ordinal until it is fetched.

    Attributes:
        id: The ordinal.
    """

    __slots__ = ("id",)

    def __init__(self, ordinal: int) -> None:
        self.id = ordinal

    def __repr__(self) -> str:
        return f"<node at ordinal {self.id}>"


class StandIns(BaseRetriever):
    """Answers as another retriever does, with a `StandIn` for every node."""

    def __init__(self, retriever: IndexRetriever[Any]) -> None:
        super().__init__()
        self._retriever = retriever
        self.name, self.distribution = retriever.name, retriever.distribution
        self.scores, self.default_top_k = retriever.scores, retriever.default_top_k
        self.answers_blank = retriever.answers_blank

    def _retrieve(self, query_bundle: QueryBundle) -> Sequence[NodeWithScore]:
        found = self._retriever._search(self._retriever.index.reader(), query_bundle)
        self.notes = self._retriever.notes
        return [NodeWithScore(cast("Node", StandIn(ordinal)), score) for ordinal, score in found]


class LateNodes:
    """Legs that search indexes of one corpus, and so can be asked for ordinals in place of nodes.

    Args:
        legs: The legs; `possible` must have said yes to them.

    Attributes:
        stand_ins: What to ask in place of each leg.
    """

    def __init__(self, legs: Sequence[BaseRetriever]) -> None:
        self._legs = cast("Sequence[IndexRetriever[Any]]", legs)
        self._corpus = self._legs[0].index.corpus
        self.stand_ins = [StandIns(leg) for leg in self._legs]

    @staticmethod
    def possible(legs: Sequence[BaseRetriever]) -> bool:
        """Return whether all legs leave it to `IndexRetriever` to fetch nodes, and from the same corpus."""
        plain = [leg for leg in legs if type(leg)._retrieve is IndexRetriever._retrieve and not type(leg)._is_async]
        corpora = {id(leg.index.corpus) for leg in plain if isinstance(leg, IndexRetriever)}
        return len(plain) == len(legs) and len(corpora) == 1

    def begin(self, query: QueryBundle) -> Cursor | None:
        """Return the state of the corpus before the legs are asked; None where ``query`` needs nodes from them.

        Filters are checked on each leg's nodes, observers see them, and an object map leads on from them.
        """
        if query.filters is not None or query.scope is not None:
            return None
        if any(leg._object_map or (leg._observers is not None and leg._observers.active) for leg in self._legs):
            return None
        return self._corpus.head()

    def fetch(self, result: RetrievalResult, since: Cursor) -> bool:
        """Put nodes in the place of stand-ins, and return whether that could be done.

        Where the corpus is not what it was, two legs may have seen two states of it, or a node be gone; then the
        legs themselves must be asked.

        Args:
            result: Hits on stand-ins.
            since: What `begin` returned.
        """
        if self._corpus.head() != since:
            return False
        nodes = self._corpus.fetch([cast("StandIn", hit.node).id for hit in result])
        if not all(node is not None for node in nodes):
            return False
        for hit, node in zip(result, nodes, strict=True):
            hit.node = cast("Node", node)
        return True
