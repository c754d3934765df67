"""RetrieverKit: retrievers as plugins, chosen by mode string, never silently wrong."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieverkit.cassettes import cassette
    from retrieverkit.discovery import Row
    from retrieverkit.index import CheckReport, Index
    from retrieverkit_core import *  # noqa: F403
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
    from retrieverkit_core.errors import *  # noqa: F403

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
    """Import what is asked for, so that a command which needs little of it starts quickly.

    All that `retrieverkit_core` exports is here too, and its errors.
    """
    module = _OWN.get(name) or _core_module_of(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{_ours_for(name)}")
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def _core_module_of(name: str) -> str | None:
    if name.startswith("_") or find_spec(f"{__name__}.{name}"):
        return None  # a module of this package, which is asked for here before it is imported
    if name in __all__ or name in import_module("retrieverkit_core").__all__:
        return "retrieverkit_core"
    is_error = name.endswith("Error") and hasattr(import_module("retrieverkit_core.errors"), name)
    return "retrieverkit_core.errors" if is_error else None


def _ours_for(name: str) -> str:
    from retrieverkit.names_elsewhere import CALLS

    return f"; here it is {CALLS[name]}" if name in CALLS else ""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *import_module("retrieverkit_core").__all__})


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
