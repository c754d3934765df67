"""Telling observers of a retrieval: one start, and exactly one end, whatever happens in between."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.threads import offload

if TYPE_CHECKING:
    from retrieverkit_core.observers import Observers
    from retrieverkit_core.retriever._base import BaseRetriever


class Watch:
    """One retrieval under observation, as a context. It takes the time.

    What goes wrong in an observer becomes a warning on the result.
    """

    __slots__ = ("_observers", "_problems", "_query", "_result", "_retriever", "_started")

    def __init__(self, retriever: BaseRetriever, query: QueryBundle) -> None:
        self._retriever = retriever
        self._query = query
        self._observers = retriever._observers
        self._result: RetrievalResult | None = None
        self._problems: list[str] = []

    def settle(self, result: RetrievalResult) -> RetrievalResult:
        """Note the answer, so that the observers hear of it."""
        result.elapsed = perf_counter() - self._started
        self._result = result
        return result

    def end(self, error: BaseException | None) -> None:
        """Tell the observers how it ended."""
        if self._observers is not None:
            elapsed = perf_counter() - self._started
            result = None if error is not None else self._result
            self._problems += self._observers.end(self._retriever, self._query, result, error, elapsed)
        if self._result is not None and self._problems:
            self._result.warnings += tuple(self._problems)

    def __enter__(self) -> Self:
        self._started = perf_counter()
        if self._observers is not None:
            self._problems = self._observers.start(self._retriever, self._query)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end(error)


def unwatched(observers: Observers | None) -> bool:
    """Return whether nobody watches."""
    return observers is None or not observers.active


async def loaded(observers: Observers | None) -> None:
    """Have observers imported before the first of them is told, without blocking the event loop."""
    if observers is not None and not observers.loaded:
        await offload(observers.load)
