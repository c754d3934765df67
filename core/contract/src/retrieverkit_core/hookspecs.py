"""The three hooks. Implement them with `hookimpl`; take only the arguments that you need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_core.markers import hookspec

if TYPE_CHECKING:
    from pydantic import BaseModel

    from retrieverkit_core.plugin import BuildContext
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever


@hookspec(firstresult=True)
def make_retriever(mode: str, options: BaseModel, context: BuildContext) -> BaseRetriever:  # type: ignore[empty-body]
    """Build the retriever for a mode. Called on the mode's own plugin alone.

    Args:
        mode: The mode that was asked for, one that the plugin declares.
        options: An instance of the mode's options model, validated.
        context: The corpus, the storage, the services, and `resolve` for sub-retrievers.
    """


@hookspec
def on_retrieve_start(retriever: BaseRetriever, query: QueryBundle) -> None:
    """Called before each retrieval, nested ones too, sync and async alike.

    Args:
        retriever: The retriever that was asked.
        query: The query, immutable.
    """


@hookspec
def on_retrieve_end(
    retriever: BaseRetriever,
    query: QueryBundle,
    result: RetrievalResult | None,
    error: BaseException | None,
    elapsed: float,
) -> None:
    """Called exactly once after each `on_retrieve_start`.

    Args:
        retriever: The retriever that was asked.
        query: The query, immutable.
        result: The result, or None where the retrieval failed.
        error: The error, or None where it did not.
        elapsed: Seconds since the start.
    """
