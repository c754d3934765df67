"""The keyword and grep modes. Importing this loads neither numpy nor an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_keyword.options import KeywordOptions
    from retrieverkit_keyword.retriever import KeywordRetriever
    from retrieverkit_keyword.table import KeywordTable

__all__ = ["KeywordOptions", "KeywordRetriever", "KeywordTable"]

_MODULES = {"KeywordOptions": "options", "KeywordRetriever": "retriever", "KeywordTable": "table"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
