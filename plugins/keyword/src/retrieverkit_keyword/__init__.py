"""The keyword and grep modes. Importing this loads neither numpy nor an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_keyword.grep.index import GrepIndex
    from retrieverkit_keyword.grep.options import GrepOptions
    from retrieverkit_keyword.grep.pattern import PatternError
    from retrieverkit_keyword.grep.retriever import GrepRetriever, TimeLimitError
    from retrieverkit_keyword.llm.retriever import KeywordLLMRetriever
    from retrieverkit_keyword.options import KeywordLLMOptions, KeywordOptions
    from retrieverkit_keyword.retriever import KeywordRakeRetriever, KeywordRetriever
    from retrieverkit_keyword.table import KeywordTable

__all__ = [
    "GrepIndex",
    "GrepOptions",
    "GrepRetriever",
    "KeywordLLMOptions",
    "KeywordLLMRetriever",
    "KeywordOptions",
    "KeywordRakeRetriever",
    "KeywordRetriever",
    "KeywordTable",
    "PatternError",
    "TimeLimitError",
]

_MODULES = {
    "GrepIndex": "grep.index",
    "GrepOptions": "grep.options",
    "GrepRetriever": "grep.retriever",
    "KeywordLLMOptions": "options",
    "KeywordLLMRetriever": "llm.retriever",
    "KeywordOptions": "options",
    "KeywordRakeRetriever": "retriever",
    "KeywordRetriever": "retriever",
    "KeywordTable": "table",
    "PatternError": "grep.pattern",
    "TimeLimitError": "grep.retriever",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
