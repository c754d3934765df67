"""The vector mode, and embeddings by name. Importing this loads neither numpy nor a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_vector.adapting.adapter import Adapter, Examples, asked_words, digest
    from retrieverkit_vector.adapting.file import check_free, read_adapter, write_adapter, write_whole
    from retrieverkit_vector.adapting.mapping import QueryMap, fitted_map, mean_direction
    from retrieverkit_vector.adapting.places import found_adapter
    from retrieverkit_vector.index import VectorIndex
    from retrieverkit_vector.made_by import MadeBy
    from retrieverkit_vector.plugin import VectorOptions
    from retrieverkit_vector.retriever import VectorRetriever

__all__ = [
    "Adapter",
    "Examples",
    "MadeBy",
    "QueryMap",
    "VectorIndex",
    "VectorOptions",
    "VectorRetriever",
    "asked_words",
    "check_free",
    "digest",
    "fitted_map",
    "found_adapter",
    "mean_direction",
    "read_adapter",
    "write_adapter",
    "write_whole",
]

_MODULES = {
    "Adapter": "adapting.adapter",
    "Examples": "adapting.adapter",
    "MadeBy": "made_by",
    "QueryMap": "adapting.mapping",
    "VectorIndex": "index",
    "VectorOptions": "plugin",
    "VectorRetriever": "retriever",
    "asked_words": "adapting.adapter",
    "check_free": "adapting.file",
    "digest": "adapting.adapter",
    "found_adapter": "adapting.places",
    "fitted_map": "adapting.mapping",
    "mean_direction": "adapting.mapping",
    "read_adapter": "adapting.file",
    "write_adapter": "adapting.file",
    "write_whole": "adapting.file",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
