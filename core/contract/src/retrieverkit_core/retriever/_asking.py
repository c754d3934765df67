"""The border around a plugin's own code: where it is called, and what becomes of what it raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from retrieverkit_core import deadline
from retrieverkit_core.errors import DeadlineExceededError, PluginContractError, RetrievalError, RetrieverKitError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.threads import cancellation, offload, run_coroutine

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever


def passes() -> tuple[type[BaseException], ...]:
    """Return what passes through always, for ``except``.

    All else that a plugin raises, SystemExit and panics of engines too, is its failure.
    """
    return KeyboardInterrupt, GeneratorExit, *cancellation()


def ask(retriever: BaseRetriever, query: QueryBundle) -> Any:
    """Return what the author's code gives for ``query``.

    Raises:
        RetrievalError: It raised; its error is chained. Errors of RetrieverKit pass as they are.
    """
    try:
        if retriever._is_sync:
            return retriever._retrieve(query)
        return run_coroutine(lambda: retriever._aretrieve(query))
    except passes():
        raise
    except BaseException as error:
        raise_failure(retriever, error)


async def aask(retriever: BaseRetriever, query: QueryBundle) -> Any:
    """As `ask`, on the event loop where the author can be awaited."""
    try:
        if retriever._is_async:
            return await retriever._aretrieve(query)
        return await offload(retriever._retrieve, query)
    except passes():
        raise
    except BaseException as error:
        raise_failure(retriever, error)


def ask_many(retriever: BaseRetriever, queries: list[QueryBundle]) -> Sequence[Any]:
    """Return what the author's code gives for each query, or the error in its place."""
    try:
        replies = retriever._retrieve_many(queries)
    except passes():
        raise
    except BaseException as error:
        return [failure(retriever, error)] * len(queries)
    if not isinstance(replies, Sequence) or len(replies) != len(queries):
        broken = PluginContractError(
            f"retriever {retriever.name} did not answer {len(queries)} queries with as many lists",
            mode=retriever.name,
            distribution=retriever.distribution,
        )
        return [broken] * len(queries)
    return replies


def failure(retriever: BaseRetriever, error: BaseException) -> Exception:
    """Return what the caller is told: our own errors as they are, any other as the retriever's failure."""
    if isinstance(error, RetrieverKitError):
        return error
    if isinstance(error, TimeoutError) and deadline.remaining() == 0.0:
        told: RetrieverKitError = DeadlineExceededError(retriever.name, None)
    else:
        shipped = f" ({retriever.distribution})" if retriever.distribution else ""
        told = RetrievalError(f"retriever {retriever.name}{shipped} failed: {type(error).__name__}: {error}")
    told.__cause__ = error
    return told


def raise_failure(retriever: BaseRetriever, error: BaseException) -> NoReturn:
    """Raise what the caller is told of an error in a plugin's code."""
    told = failure(retriever, error)
    if told is error:
        raise told  # not from itself: a chain of causes must end
    raise told from error
