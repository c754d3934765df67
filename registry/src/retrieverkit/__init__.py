"""RetrieverKit: retrievers as plugins, chosen by mode string, never silently wrong."""

from __future__ import annotations

from retrieverkit.index import CheckReport, Index
from retrieverkit_core import (
    BaseRetriever,
    Document,
    IndexNode,
    MetadataFilters,
    Node,
    NodeWithScore,
    QueryBundle,
    RetrievalResult,
    RetrieverKitError,
    RetrieverSpec,
)

__all__ = [
    "BaseRetriever",
    "CheckReport",
    "Document",
    "Index",
    "IndexNode",
    "MetadataFilters",
    "Node",
    "NodeWithScore",
    "QueryBundle",
    "RetrievalResult",
    "RetrieverKitError",
    "RetrieverSpec",
    "register_mode",
]


def register_mode(name: str, plugin: object, *, override: bool = False) -> None:
    """Add a retriever mode for as long as the program runs, without packaging it.

    Args:
        name: The mode.
        plugin: The plugin object, with its ``spec`` and ``make_retriever``, or its place: ``"package.module:object"``.
        override: Whether it may take the place of another plugin with that mode.

    Raises:
        ConfigError: The name or path cannot be used, or another plugin has the mode.
    """
    from retrieverkit.discovery import shared_discovery

    shared_discovery().register_mode(name, plugin, override=override)
