"""One call of a retriever: observers around it, the deadline over it, and the author's code on the right thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from retrieverkit_core import deadline
from retrieverkit_core.deadline import Patience
from retrieverkit_core.errors import (
    BatchError,
    DeadlineExceededError,
    PluginContractError,
    RetrievalError,
    RetrieverKitError,
)
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever._expansion import Visit, as_answer, trail
from retrieverkit_core.retriever._steps import Steps, steps
from retrieverkit_core.threads import WORKERS, offload, run_coroutine

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever

logger = logging.getLogger("retrieverkit")


# One query


def retrieve(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult:
    """Answer one query; see `BaseRetriever.retrieve`."""
    started = perf_counter()
    observers = retriever._observers
    if observers is None or not observers.active:
        result = _within_deadline(retriever, query)
        result.elapsed = perf_counter() - started
        return result
    with _observed(retriever, query, started) as settle:
        return settle(_within_deadline(retriever, query))


async def aretrieve(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult:
    """Answer one query; see `BaseRetriever.aretrieve`."""
    with _observed(retriever, query, perf_counter()) as settle:
        return settle(await _awithin_deadline(retriever, query))


@contextmanager
def _observed(
    retriever: BaseRetriever, query: QueryBundle, started: float
) -> Iterator[Callable[[RetrievalResult], RetrievalResult]]:
    """Tell the observers of the start, and exactly once of the end, whatever happens in between."""
    observers = retriever._observers
    problems = observers.start(retriever, query) if observers is not None else []
    result: RetrievalResult | None = None

    def settle(answer: RetrievalResult) -> RetrievalResult:
        nonlocal result
        answer.elapsed = perf_counter() - started
        result = answer
        return answer

    error: BaseException | None = None
    try:
        yield settle
    except BaseException as raised:
        error = raised
        raise
    finally:
        if observers is not None:
            problems += observers.end(retriever, query, result, error, perf_counter() - started)
        if result is not None and problems:
            result.warnings += tuple(problems)


def _within_deadline(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult:
    if query.timeout is None:
        _check_time_left(retriever)
        return _drive(retriever, steps(retriever, query))
    with deadline.limited(query.timeout):
        future = WORKERS.submit(_drive, retriever, steps(retriever, query))
        left = deadline.remaining() or 0.0
        patience = Patience(monotonic() + left)
        while not futures.wait([future], left).done:
            left = patience.more(monotonic()) if _may_be_partial(retriever) else 0.0
            if not left:
                future.cancel()
                raise DeadlineExceededError(retriever.name, query.timeout)
        return future.result()


async def _awithin_deadline(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult:
    if query.timeout is None:
        _check_time_left(retriever)
        return await _adrive(retriever, query)
    with deadline.limited(query.timeout):
        limit = asyncio.timeout(None)
        try:
            async with limit:
                with _expiring(limit, retriever, deadline.remaining() or 0.0):
                    return await _adrive(retriever, query)
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceededError(retriever.name, query.timeout) from None
            raise


@contextmanager
def _expiring(limit: asyncio.Timeout, retriever: BaseRetriever, left: float) -> Iterator[None]:
    """Let the block's timeout expire in `left` seconds, or after the patience that a composite is due."""
    loop = asyncio.get_running_loop()
    patience = Patience(loop.time() + left)
    timer: asyncio.TimerHandle

    def expire() -> None:
        nonlocal timer
        more = patience.more(loop.time()) if _may_be_partial(retriever) else 0.0
        if more:
            timer = loop.call_later(more, expire)
        else:
            limit.reschedule(loop.time())

    timer = loop.call_later(left, expire)
    try:
        yield
    finally:
        timer.cancel()


def _may_be_partial(retriever: BaseRetriever) -> bool:
    """Whether the retriever has legs of which some may have answered."""
    return retriever.filter_capabilities.delegates


def _check_time_left(retriever: BaseRetriever) -> None:
    if deadline.remaining() == 0.0:
        raise DeadlineExceededError(retriever.name, 0.0)


# Carrying out the steps


def _drive(retriever: BaseRetriever, run: Steps) -> RetrievalResult:
    try:
        request = next(run)
        while True:
            reply: Any
            if isinstance(request, QueryBundle):
                reply = _ask(retriever, request)
            else:
                reply = [_enter(retriever, visit) for visit in request]
            request = run.send(reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def _adrive(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult:
    run = steps(retriever, query)
    try:
        if query.filters is None and query.scope is None:
            request = next(run)
        else:  # which fields there are, and what can be pushed, is read from the corpus and its indexes
            sent = await offload(_sent, run, None)
            if isinstance(sent, RetrievalResult):
                return sent
            request = sent
        while True:
            reply: Any
            if isinstance(request, QueryBundle):
                reply = await _aask(retriever, request)
            else:
                reply = await _all(*[_aenter(retriever, visit) for visit in request])
            if isinstance(reply, Sequence) and len(reply) > _MANY_HITS:
                sent = await offload(_sent, run, reply)
                if isinstance(sent, RetrievalResult):
                    return sent
                request = sent
            else:
                request = run.send(reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


_MANY_HITS = 10_000
"""To check more hits than these takes so long that the event loop must not wait for it."""


def _sent(run: Steps, reply: Any) -> Any:
    try:
        return run.send(reply)
    except StopIteration as done:
        return done.value


async def _all(*running: Awaitable[Any]) -> list[Any]:
    """Await all; when one fails or the caller is cancelled, cancel the others before going on."""
    tasks = [asyncio.ensure_future(each) for each in running]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _ask(retriever: BaseRetriever, query: QueryBundle) -> Sequence[NodeWithScore]:
    try:
        if retriever._is_sync:
            return retriever._retrieve(query)
        return run_coroutine(lambda: retriever._aretrieve(query))  # type: ignore[no-any-return]
    except Exception as error:
        raise _failure(retriever, error) from error


async def _aask(retriever: BaseRetriever, query: QueryBundle) -> Sequence[NodeWithScore]:
    try:
        if retriever._is_async:
            return await retriever._aretrieve(query)
        return await offload(retriever._retrieve, query)
    except Exception as error:
        raise _failure(retriever, error) from error


def _failure(retriever: BaseRetriever, error: Exception) -> Exception:
    """Return what the caller is told: our own errors as they are, any other as the retriever's failure."""
    if isinstance(error, RetrieverKitError):
        return error
    shipped = f" ({retriever.distribution})" if retriever.distribution else ""
    return RetrievalError(f"retriever {retriever.name}{shipped} failed: {type(error).__name__}: {error}")


def _enter(retriever: BaseRetriever, visit: Visit) -> list[NodeWithScore]:
    _announce(retriever, visit)
    token = trail.set(visit.trail)
    try:
        if hasattr(visit.target, "retrieve"):
            return visit.target.retrieve(visit.query)  # type: ignore[no-any-return]
        return as_answer(visit, visit.target.query(visit.query))
    except Exception as error:
        raise _failure(retriever, error) from error
    finally:
        trail.reset(token)


async def _aenter(retriever: BaseRetriever, visit: Visit) -> list[NodeWithScore]:
    _announce(retriever, visit)
    token = trail.set(visit.trail)
    target = visit.target
    try:
        if hasattr(target, "aretrieve"):
            return await target.aretrieve(visit.query)  # type: ignore[no-any-return]
        if hasattr(target, "retrieve"):
            return await offload(target.retrieve, visit.query)
        if hasattr(target, "aquery"):
            return as_answer(visit, await target.aquery(visit.query))
        return as_answer(visit, await offload(target.query, visit.query))
    except Exception as error:
        raise _failure(retriever, error) from error
    finally:
        trail.reset(token)


def _announce(retriever: BaseRetriever, visit: Visit) -> None:
    logger.debug("entering %s from %s", visit.target, visit.origin.node.id)
    if retriever._verbose:
        print(f"Retrieval entering {visit.origin.node.id}: {type(visit.target).__name__}")


# Many queries


def retrieve_many(retriever: BaseRetriever, queries: Sequence[QueryBundle]) -> list[RetrievalResult]:
    """Answer many queries; see `BaseRetriever.retrieve_many`."""
    if retriever._is_batch and all(query.timeout is None for query in queries):
        return _settled(_rounds(retriever, queries))
    return _settled([_outcome(retriever, query) for query in queries])


async def aretrieve_many(retriever: BaseRetriever, queries: Sequence[QueryBundle]) -> list[RetrievalResult]:
    """Answer many queries; see `BaseRetriever.aretrieve_many`."""
    if retriever._is_batch and all(query.timeout is None for query in queries):
        return _settled(await offload(_rounds, retriever, queries))
    gate = asyncio.Semaphore(_CONCURRENT_QUERIES)

    async def one(query: QueryBundle) -> RetrievalResult | Exception:
        async with gate:
            try:
                return await aretrieve(retriever, query)
            except Exception as error:
                return error

    return _settled(await _all(*map(one, queries)))


_CONCURRENT_QUERIES = 16


def _outcome(retriever: BaseRetriever, query: QueryBundle) -> RetrievalResult | Exception:
    try:
        return retrieve(retriever, query)
    except Exception as error:
        return error


def _settled(outcomes: Sequence[RetrievalResult | Exception]) -> list[RetrievalResult]:
    errors = {at: outcome for at, outcome in enumerate(outcomes) if isinstance(outcome, Exception)}
    if errors:
        raise BatchError([None if at in errors else outcome for at, outcome in enumerate(outcomes)], errors)
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def _rounds(retriever: BaseRetriever, queries: Sequence[QueryBundle]) -> list[RetrievalResult | Exception]:
    """Run the steps of all queries side by side, asking the engine once a round for all that wait for it."""
    started = perf_counter()
    observers = retriever._observers
    runs = [steps(retriever, query) for query in queries]
    problems = [observers.start(retriever, query) if observers is not None else [] for query in queries]
    outcomes: list[RetrievalResult | Exception | None] = [None] * len(queries)
    waiting: dict[int, QueryBundle] = {}
    try:
        for at in range(len(queries)):
            _advance(retriever, runs[at], at, None, waiting, outcomes)
        while waiting:
            asked, waiting = waiting, {}
            for at, reply in zip(asked, _ask_many(retriever, list(asked.values())), strict=True):
                _advance(retriever, runs[at], at, reply, waiting, outcomes)
    except BaseException as error:
        if observers is not None:
            for query, outcome in zip(queries, outcomes, strict=True):
                _tell_end(retriever, query, error if outcome is None else outcome, started)
        raise
    settled: list[RetrievalResult | Exception] = []
    for query, outcome, found in zip(queries, outcomes, problems, strict=True):
        assert outcome is not None
        if isinstance(outcome, RetrievalResult):
            outcome.elapsed = perf_counter() - started
        found += _tell_end(retriever, query, outcome, started)
        if isinstance(outcome, RetrievalResult):
            outcome.warnings += tuple(found)
        settled.append(outcome)
    return settled


def _advance(
    retriever: BaseRetriever,
    run: Steps,
    at: int,
    reply: Any,
    waiting: dict[int, QueryBundle],
    outcomes: list[RetrievalResult | Exception | None],
) -> None:
    """Send one query's steps their reply and carry them on until they end or wait for the engine again."""
    try:
        if isinstance(reply, Exception):
            raise reply
        request = run.send(reply)
        while not isinstance(request, QueryBundle):
            request = run.send([_enter(retriever, visit) for visit in request])
        waiting[at] = request
    except StopIteration as done:
        outcomes[at] = done.value
    except Exception as error:
        outcomes[at] = error


def _ask_many(retriever: BaseRetriever, queries: list[QueryBundle]) -> Sequence[Any]:
    """Return the candidates of each query, or the error in their place."""
    try:
        replies = retriever._retrieve_many(queries)
    except Exception as error:
        return [_chained(_failure(retriever, error), error)] * len(queries)
    if not isinstance(replies, Sequence) or len(replies) != len(queries):
        broken = PluginContractError(
            f"retriever {retriever.name} did not answer {len(queries)} queries with as many lists",
            mode=retriever.name,
            distribution=retriever.distribution,
        )
        return [broken] * len(queries)
    return replies


def _chained(error: Exception, cause: Exception) -> Exception:
    if error is not cause:
        error.__cause__ = cause
    return error


def _tell_end(
    retriever: BaseRetriever, query: QueryBundle, outcome: RetrievalResult | BaseException, started: float
) -> list[str]:
    if retriever._observers is None:
        return []
    elapsed = perf_counter() - started
    if isinstance(outcome, RetrievalResult):
        return retriever._observers.end(retriever, query, outcome, None, elapsed)
    return retriever._observers.end(retriever, query, None, outcome, elapsed)
