"""What it is to judge hits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegStatus
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import ScoreSpec


class Judged(NamedTuple):
    """What came of judging hits.

    Attributes:
        order: The place of each hit that stays, best first, with its score; None for one that could not be judged.
        legs: The status of what was asked, where a part of it failed.
        warnings: What a reader of the result must know.
        notes: What a reader of the result may want to know.
    """

    order: Sequence[tuple[int, float | None]]
    legs: Sequence[LegStatus] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


class Judge(Protocol):
    """Orders hits by how well they answer a query.

    Attributes:
        scores: What its scores mean.
        shows: Whether texts leave for a model, which must then see only what passes the filters.
        note: What every result says of it.
    """

    scores: ScoreSpec
    shows: bool
    note: str

    def judge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """Return the order of hits, of which there is at least one.

        Raises:
            RetrieverKitError: None of them was judged.
        """
        ...

    async def ajudge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """As `judge`, without blocking the event loop."""
        ...

    def plan(self, name: str, query: QueryBundle, inner: BaseRetriever, candidates: int) -> Plan:
        """Return what judging that many hits would spend.

        Args:
            name: The retriever that reranks.
            query: The query.
            inner: The retriever that finds the hits.
            candidates: How many there may be.
        """
        ...
