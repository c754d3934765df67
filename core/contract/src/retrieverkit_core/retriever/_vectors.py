"""`NodeVectors`: how near hits are to a query, and to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.query import QueryBundle


class Compared(NamedTuple):
    """Cosines between hits and a query.

    Attributes:
        nearness: The cosine of each hit with the query, from -1 to 1; None where one of the two has no vector.
        likeness: Returns the cosine of the hit at a place with each hit, 0.0 where one of the two has no vector.
    """

    nearness: Sequence[float | None]
    likeness: Callable[[int], Sequence[float]]


@runtime_checkable
class NodeVectors(Protocol):
    """A retriever that compares vectors, and can compare what others have found.

    A composite that orders hits by an embedding asks it: the vectors of nodes that are in its index are not made again.
    """

    def compared(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Compared:
        """Return how near hits are to the query and to each other. May block, as `retrieve` may.

        Args:
            query: The query; its embedding is taken where it brings one.
            hits: Hits of any retriever. What is not in the index is embedded by the index's model.

        Raises:
            RetrieverKitError: As `retrieve` does.
        """
        ...
