"""Many queries at once: by the engine's own batching where there is one, else side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrieverkit_core import budget, deadline, scoping
from retrieverkit_core.errors import BatchError, DeadlineExceededError
from retrieverkit_core.explain._recording import recording
from retrieverkit_core.found import Found
from retrieverkit_core.one_look import one_look
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever._asking import ask_many, failure, passes
from retrieverkit_core.retriever._driving import aretrieve, in_time, retrieve
from retrieverkit_core.retriever._entering import enter
from retrieverkit_core.retriever._fetching import read
from retrieverkit_core.retriever._observing import Watch, loaded
from retrieverkit_core.retriever._steps import steps
from retrieverkit_core.threads import WORKERS, gathered, offload

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever

Outcome = RetrievalResult | Exception

_CONCURRENT_QUERIES = 16


def retrieve_many(
    retriever: BaseRetriever, queries: Sequence[QueryBundle], late: bool = False
) -> list[RetrievalResult]:
    """Answer many queries; see `BaseRetriever.retrieve_many` and, for ``late``, `BaseRetriever.candidates_many`."""
    if not retriever._is_batch or recording() is not None:
        with one_look():
            return _settled([_outcome(retriever, query, late) for query in queries])
    outcomes: list[Outcome | None] = [None] * len(queries)
    for place, query in enumerate(queries):
        if _alone(query):
            outcomes[place] = _outcome(retriever, query, late)
    for timeout, places in _by_timeout(queries).items():
        batch = [queries[place] for place in places]
        for place, outcome in zip(places, _batch(retriever, batch, timeout, late), strict=True):
            outcomes[place] = outcome
    return _settled([outcome for outcome in outcomes if outcome is not None])


async def aretrieve_many(
    retriever: BaseRetriever, queries: Sequence[QueryBundle], late: bool = False
) -> list[RetrievalResult]:
    """Answer many queries; see `BaseRetriever.aretrieve_many`."""
    await loaded(retriever._observers)
    if retriever._is_batch:
        return await offload(retrieve_many, retriever, queries, late)
    import asyncio

    gate = asyncio.Semaphore(_CONCURRENT_QUERIES)

    async def one(query: QueryBundle) -> Outcome:
        async with gate:
            try:
                return await aretrieve(retriever, query, late)
            except Exception as error:
                return error

    return _settled(await gathered([one(query) for query in queries]))


def _outcome(retriever: BaseRetriever, query: QueryBundle, late: bool) -> Outcome:
    try:
        return retrieve(retriever, query, late)
    except Exception as error:
        return error


def _settled(outcomes: Sequence[Outcome]) -> list[RetrievalResult]:
    errors = {at: outcome for at, outcome in enumerate(outcomes) if isinstance(outcome, Exception)}
    if errors:
        raise BatchError([None if at in errors else outcome for at, outcome in enumerate(outcomes)], errors)
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def _alone(query: QueryBundle) -> bool:
    """Return whether what the query spends, or what is done for it, must be told apart from that of others."""
    return query.budget is not None or query.explain


def _by_timeout(queries: Sequence[QueryBundle]) -> dict[float | None, list[int]]:
    places: dict[float | None, list[int]] = {}
    for place, query in enumerate(queries):
        if not _alone(query):
            places.setdefault(query.timeout, []).append(place)
    return places


def _batch(
    retriever: BaseRetriever, queries: list[QueryBundle], timeout: float | None, late: bool
) -> Sequence[Outcome]:
    """Answer queries that share a deadline, each under observation."""
    watches = [Watch(retriever, query).__enter__() for query in queries]
    try:
        scope = next((query.scope for query in queries if query.scope is not None), None)
        with scoping.under(scope), budget.limited(None) as account:
            outcomes = _batch_within(retriever, queries, timeout, late)
    except BaseException as error:
        for watch in watches:
            watch.end(error)
        raise
    for watch, outcome in zip(watches, outcomes, strict=True):
        if isinstance(outcome, RetrievalResult):
            outcome.spent = account.spent if len(queries) == 1 or not account.spent else None
            watch.settle(outcome)
            watch.end(None)
        else:
            watch.end(outcome)
    return outcomes


def _batch_within(
    retriever: BaseRetriever, queries: list[QueryBundle], timeout: float | None, late: bool
) -> Sequence[Outcome]:
    batch = _Batch(retriever, queries, late)
    if deadline.remaining() == 0.0:
        return batch.so_far(DeadlineExceededError(retriever.name, None))
    if timeout is None:
        return batch.run()
    with deadline.limited(timeout):
        future = WORKERS.submit(batch.run)
        if in_time(retriever, future):
            return future.result()
        return batch.so_far(DeadlineExceededError(retriever.name, timeout))


class _Batch:
    """The steps of all queries side by side; the engine is asked once per round for all that wait for it."""

    def __init__(self, retriever: BaseRetriever, queries: list[QueryBundle], late: bool) -> None:
        self._retriever = retriever
        self._runs = [steps(retriever, query, late) for query in queries]
        self._waiting: dict[int, QueryBundle] = {}
        self._outcomes: dict[int, Outcome] = {}

    def run(self) -> list[Outcome]:
        """Return a result or an error for each query."""
        for at in range(len(self._runs)):
            self._advance(at, None)
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            for at, reply in zip(asked, ask_many(self._retriever, list(asked.values())), strict=True):
                self._advance(at, reply)
        return [self._outcomes[at] for at in range(len(self._runs))]

    def so_far(self, late: Exception) -> list[Outcome]:
        """Return what has ended, and ``late`` in place of what has not."""
        return [self._outcomes.get(at, late) for at in range(len(self._runs))]

    def _advance(self, at: int, reply: Any) -> None:
        """Send one query's steps their reply and carry them on until they end or wait for the engine again."""
        run = self._runs[at]
        try:
            if isinstance(reply, Exception):
                raise failure(self._retriever, reply)
            request = run.send(reply)
            while not isinstance(request, QueryBundle):
                if isinstance(request, Found):
                    request = run.send(read(self._retriever, request))
                else:
                    request = run.send([enter(self._retriever, visit) for visit in request])
            self._waiting[at] = request
        except StopIteration as done:
            self._outcomes[at] = done.value
        except passes():
            raise
        except BaseException as error:
            self._outcomes[at] = failure(self._retriever, error)
