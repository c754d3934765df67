"""One call of a retriever: observers around it, the deadline over it, and the author's code on the right thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from time import monotonic, perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from retrieverkit_core import budget, deadline, scoping
from retrieverkit_core.deadline import Patience
from retrieverkit_core.errors import DeadlineExceededError, EndpointError, RetrieverKitError
from retrieverkit_core.explain._recording import Recording, recording
from retrieverkit_core.found import Found
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever._asking import aask, ask, passes, raise_failure
from retrieverkit_core.retriever._entering import aenter, enter
from retrieverkit_core.retriever._fetching import read
from retrieverkit_core.retriever._observing import Watch, loaded, unwatched
from retrieverkit_core.retriever._steps import Steps, steps
from retrieverkit_core.threads import WORKERS, gathered, offload

if TYPE_CHECKING:
    import asyncio

    from retrieverkit_core.retriever._base import BaseRetriever


def retrieve(retriever: BaseRetriever, query: QueryBundle, late: bool = False) -> RetrievalResult:
    """Answer one query; see `BaseRetriever.retrieve` and, for ``late``, `BaseRetriever.candidates`."""
    if query.explain or recording() is not None:
        with Recording(retriever, query) as recorded:
            return recorded.settle(retrieve_plainly(retriever, query, late))
    return retrieve_plainly(retriever, query, late)


def retrieve_plainly(retriever: BaseRetriever, query: QueryBundle, late: bool = False) -> RetrievalResult:
    """Answer one query, which is recorded already if somebody asked."""
    if unwatched(retriever._observers):
        started = perf_counter()
        result = _within_limits(retriever, query, late)
        result.elapsed = perf_counter() - started
        return result
    with Watch(retriever, query) as watch:
        return watch.settle(_within_limits(retriever, query, late))


async def aretrieve(retriever: BaseRetriever, query: QueryBundle, late: bool = False) -> RetrievalResult:
    """Answer one query; see `BaseRetriever.aretrieve`."""
    if query.explain or recording() is not None:
        with Recording(retriever, query) as recorded:
            result = await _aretrieve(retriever, query, late)
            return await offload(recorded.settle, result)
    return await _aretrieve(retriever, query, late)


async def _aretrieve(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    await loaded(retriever._observers)
    with Watch(retriever, query) as watch:
        return watch.settle(await _awithin_limits(retriever, query, late))


# Under the deadline


def _within_limits(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    with scoping.under(query.scope), budget.limited(query.budget) as account:
        asked = query if query.budget is None else query.replace(budget=None)
        result = _within_deadline(retriever, asked, late)
    return _accounted(result, query, account)


async def _awithin_limits(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    with scoping.under(query.scope), budget.limited(query.budget) as account:
        asked = query if query.budget is None else query.replace(budget=None)
        result = await _awithin_deadline(retriever, asked, late)
    return _accounted(result, query, account)


def _accounted(result: RetrievalResult, query: QueryBundle, account: budget.Account) -> RetrievalResult:
    result.query, result.spent = query, account.spent
    return result


def _within_deadline(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    _check_time_left(retriever)
    if query.timeout is None:
        return drive(retriever, steps(retriever, query, late))
    with deadline.limited(query.timeout):
        future = WORKERS.submit(drive, retriever, steps(retriever, query, late))
        if not in_time(retriever, future):
            raise DeadlineExceededError(retriever.name, query.timeout)
        with _late(retriever, query.timeout):
            return future.result()


def in_time(retriever: BaseRetriever, future: futures.Future[Any]) -> bool:
    """Wait until the running deadline, or for the patience that a composite is due; a future that is late is dropped.

    Returns:
        Whether it has ended.
    """
    left = deadline.remaining() or 0.0
    patience = Patience(monotonic() + left)
    while not futures.wait([future], left).done:
        left = patience.more(monotonic()) if _is_composite(retriever) else 0.0
        if not left:
            future.cancel()
            return False
    return True


async def _awithin_deadline(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    _check_time_left(retriever)
    if query.timeout is None:
        return await _adrive(retriever, query, late)
    with deadline.limited(query.timeout):
        import asyncio

        limit = asyncio.timeout(None)
        try:
            async with limit:
                with _expiring(limit, retriever, deadline.remaining() or 0.0), _late(retriever, query.timeout):
                    return await _adrive(retriever, query, late)
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceededError(retriever.name, query.timeout) from None
            raise


@contextmanager
def _late(retriever: BaseRetriever, timeout: float) -> Iterator[None]:
    """Let what a model raises at the deadline, as it was given no more time, be the deadline's error."""
    try:
        yield
    except EndpointError as error:
        if error.status is None and not deadline.remaining():
            raise DeadlineExceededError(retriever.name, timeout) from error
        raise


@contextmanager
def _expiring(limit: asyncio.Timeout, retriever: BaseRetriever, left: float) -> Iterator[None]:
    """Let the block's timeout expire in `left` seconds, or after the patience that a composite is due."""
    import asyncio

    loop = asyncio.get_running_loop()
    patience = Patience(loop.time() + left)
    timer: asyncio.TimerHandle

    def expire() -> None:
        nonlocal timer
        more = patience.more(loop.time()) if _is_composite(retriever) else 0.0
        if more:
            timer = loop.call_later(more, expire)
        else:
            limit.reschedule(loop.time())

    timer = loop.call_later(left, expire)
    try:
        yield
    finally:
        timer.cancel()


def _is_composite(retriever: BaseRetriever) -> bool:
    try:
        return bool(retriever.sub_retrievers)
    except passes():
        raise
    except BaseException:  # its deadline has passed, which is what the caller is told
        return False


def _check_time_left(retriever: BaseRetriever) -> None:
    if deadline.remaining() == 0.0:
        raise DeadlineExceededError(retriever.name, None)


# Carrying out the steps


def drive(retriever: BaseRetriever, run: Steps) -> RetrievalResult:
    """Carry out the steps of one query in this thread."""
    with bordered(retriever):
        request = _sent(run, None)
        while not isinstance(request, RetrievalResult):
            request = _sent(run, _done(retriever, request))
        return request


class bordered:
    """A block in which the retriever's declarations and its corpus are asked; what they raise is its failure."""

    __slots__ = ("_retriever",)

    def __init__(self, retriever: BaseRetriever) -> None:
        self._retriever = retriever

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, (RetrieverKitError, *passes())):
            raise_failure(self._retriever, error)


def _done(retriever: BaseRetriever, request: Any) -> Any:
    if isinstance(request, QueryBundle):
        return ask(retriever, request)
    if isinstance(request, Found):
        return read(retriever, request)
    return [enter(retriever, visit) for visit in request]


async def _adrive(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    with bordered(retriever):
        return await _adrive_steps(retriever, query, late)


async def _adrive_steps(retriever: BaseRetriever, query: QueryBundle, late: bool) -> RetrievalResult:
    run = steps(retriever, query, late)
    if not retriever._is_async:
        return await _adrive_sync(retriever, run)
    # Which fields there are, what can be pushed, and why nothing is found, is read from the corpus and its indexes.
    filtering = query.filters is not None or query.scope is not None
    nothing = query.is_blank or 0 in (query.top_k, retriever.default_top_k)
    request = await offload(_sent, run, None) if filtering or nothing else _sent(run, None)
    while not isinstance(request, RetrievalResult):
        reply: Any
        if isinstance(request, QueryBundle):
            reply = await aask(retriever, request)
        elif isinstance(request, Found):
            reply = await offload(read, retriever, request)
        else:
            reply = await gathered([aenter(retriever, visit) for visit in request])
        many = isinstance(reply, Sequence) and len(reply) > _MANY_HITS
        request = await offload(_sent, run, reply) if many or retriever.is_empty else _sent(run, reply)
    return request


async def _adrive_sync(retriever: BaseRetriever, run: Steps) -> RetrievalResult:
    """Carry out all steps in one worker thread; the event loop has only what index nodes lead to."""
    request = await offload(_sent_on, retriever, run, None)
    while not isinstance(request, RetrievalResult):
        entered = await gathered([aenter(retriever, visit) for visit in request])
        request = await offload(_sent_on, retriever, run, entered)
    return request


_MANY_HITS = 10_000
"""To check more hits than these takes so long that the event loop must not wait for it."""


def _sent(run: Steps, reply: Any) -> Any:
    try:
        return run.send(reply)
    except StopIteration as done:
        return done.value


def _sent_on(retriever: BaseRetriever, run: Steps, reply: Any) -> Any:
    """Send a reply and carry out what is asked for until there is a result, or index nodes to follow."""
    request = _sent(run, reply)
    while isinstance(request, (QueryBundle, Found)):
        request = _sent(run, _done(retriever, request))
    return request
