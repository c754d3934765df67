"""Whether a system was learned from the queries that it is measured with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from retrieverkit_core.retriever import BaseRetriever


@runtime_checkable
class Learned(Protocol):
    """A retriever that may have been learned from queries."""

    def learned_from(self, query: str) -> bool:
        """Return whether it was learned from a query of these words."""


def taught_by(retriever: BaseRetriever, queries: Mapping[str, str]) -> str:
    """Return what to warn of where a retriever, or one within it, was learned from some of the queries; else "".

    Args:
        retriever: The retriever.
        queries: The text of each query by its id.
    """
    learned = list(_learned_in(retriever))
    known = [text for text in queries.values() if any(each.learned_from(text) for each in learned)]
    if not known:
        return ""
    return f"learned from {len(known):,} of the {len(queries):,} queries, so its values seem better than they are"


def _learned_in(retriever: BaseRetriever) -> Iterator[Learned]:
    if isinstance(retriever, Learned):
        yield retriever
    for each in retriever.sub_retrievers:
        yield from _learned_in(each)
