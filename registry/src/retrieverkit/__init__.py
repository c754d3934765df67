"""RetrieverKit: retrievers as plugins, chosen by mode string, never silently wrong."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieverkit.cassettes import cassette
    from retrieverkit.discovery import Row
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
    "cassette",
    "list_modes",
    "register_mode",
]


_OWN = {
    "CheckReport": "retrieverkit.index",
    "Index": "retrieverkit.index",
    "cassette": "retrieverkit.cassettes",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that a command which needs little of it starts quickly."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_OWN.get(name, "retrieverkit_core")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def list_modes() -> Sequence[Row]:
    """Return the installed modes with their distribution, version and status. No plugin is imported."""
    from retrieverkit.discovery import shared_discovery

    return shared_discovery().rows()


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
