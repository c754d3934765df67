"""The retriever beside the graph: the one that is named, or the one at hand."""

from __future__ import annotations

from retrieverkit_core.errors import UnknownModeError
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.spec import RetrieverSpec

AT_HAND = "bm25"


def plain_retriever(named: RetrieverSpec | None, context: BuildContext) -> tuple[BaseRetriever | None, str]:
    """Return the retriever that a graph mode has beside the graph, and what its results note.

    Args:
        named: The one that is asked for; None for `AT_HAND`, or none where that is not installed.
        context: Resolves it.

    Raises:
        ConfigError: The one that is asked for cannot be had.
    """
    if named is not None:
        return context.resolve(named), ""
    try:
        return context.resolve(AT_HAND), ""
    except UnknownModeError as error:
        if error.mode != AT_HAND:
            raise
        return None, f"{context.mode}: {AT_HAND} is not installed, so the graph answers alone; {error.fix}"
