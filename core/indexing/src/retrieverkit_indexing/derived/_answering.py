"""From what an index's reader found to hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from retrieverkit_core.errors import DerivedIndexError
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_indexing.derived._index import DerivedIndex

R = TypeVar("R")

_ATTEMPTS = 5


def answer(index: DerivedIndex[R], search: Callable[[R], Sequence[tuple[int, float | None]]]) -> list[NodeWithScore]:
    """Search an index that is up to date and fetch the nodes found from its corpus.

    A node may be removed between the search and the fetch. Then the search is done again on the index of that
    later time; after five times the nodes that are gone are left out.

    Args:
        index: The index to search.
        search: Returns ``(ordinal, score)`` pairs, best first, from a reader of the index.

    Returns:
        One hit a pair, in the same order.

    Raises:
        DerivedIndexError: The index, even rebuilt, names nodes that the corpus does not hold.
    """
    corpus = index.corpus
    rebuilt = False
    before = None
    for _ in range(_ATTEMPTS):
        found = search(index.reader())
        if not found:
            return []
        nodes = corpus.fetch([ordinal for ordinal, _ in found])
        if all(node is not None for node in nodes):
            break
        head = corpus.head()
        if head == before:  # nothing moved since the last attempt: the index is wrong
            if rebuilt:
                raise DerivedIndexError(f"index {index.name!r} names nodes that the corpus does not hold")
            index.rebuild("it named nodes that the corpus does not hold")
            rebuilt = True
        before = head
    return [NodeWithScore(node, score) for node, (_, score) in zip(nodes, found, strict=True) if node is not None]
