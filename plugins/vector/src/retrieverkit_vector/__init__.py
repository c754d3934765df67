"""The vector mode, and embeddings by name. Importing this loads neither numpy nor a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_vector.index import VectorIndex
    from retrieverkit_vector.plugin import VectorOptions
    from retrieverkit_vector.retriever import VectorRetriever

__all__ = ["VectorIndex", "VectorOptions", "VectorRetriever"]

_MODULES = {"VectorIndex": "index", "VectorOptions": "plugin", "VectorRetriever": "retriever"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
