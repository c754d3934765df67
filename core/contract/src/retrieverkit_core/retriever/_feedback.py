"""`RelevanceFeedback`: a query moved toward what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from retrieverkit_core.query import QueryBundle


@runtime_checkable
class RelevanceFeedback(Protocol):
    """A retriever that compares vectors, and can move a query toward nodes (Rocchio 1971).

    A composite that has fused the answers of its legs may ask such a leg a second time, by the query moved toward the
    first of the fused hits: what all legs agree on says more about what is wanted than the query's few words.
    """

    def moved(self, query: QueryBundle, toward: Sequence[int], weight: float) -> QueryBundle | None:
        """Return ``query`` with the embedding ``q + weight · mean(v)``.

        ``q`` is the direction of the query's vector and the ``v`` are those of the nodes' vectors, each of length 1;
        the result is given the length of the query's vector. Nodes that the query's filters and scope exclude, that
        are gone, or that have no vector do not count. May block, as `retrieve` may.

        Args:
            query: What this retriever was asked, with its filters and scope.
            toward: Ordinals of nodes in the corpus.
            weight: What the nodes count beside the query, at least 0.

        Returns:
            The query to ask instead, or None where there is nothing to move, or nothing to move it toward.

        Raises:
            RetrieverKitError: As `retrieve` does.
        """
        ...
