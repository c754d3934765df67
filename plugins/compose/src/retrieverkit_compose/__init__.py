"""The modes that are made of others. Importing this loads none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_compose.rerank.retriever import RerankRetriever

__all__ = ["RerankRetriever"]

_MODULES = {"RerankRetriever": "rerank.retriever"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
