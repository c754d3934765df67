"""The property-graph modes. Importing this loads neither numpy nor an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_property_graph.graph.index import GraphIndex
    from retrieverkit_property_graph.names import key_of
    from retrieverkit_property_graph.options import GraphOptions
    from retrieverkit_property_graph.triples import Entity, Extracted, Triple

__all__ = ["Entity", "Extracted", "GraphIndex", "GraphOptions", "Triple", "key_of"]

_MODULES = {
    "Entity": "triples",
    "Extracted": "triples",
    "GraphIndex": "graph.index",
    "GraphOptions": "options",
    "Triple": "triples",
    "key_of": "names",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
