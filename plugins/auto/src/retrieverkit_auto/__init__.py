"""Filters from the words of a question: found by rules or by a language model, always within the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieverkit_auto.fields import MetadataInfo
from retrieverkit_auto.spec import AutoSpec

if TYPE_CHECKING:
    from retrieverkit_auto.retriever import AutoRetriever

__all__ = ["AutoRetriever", "AutoSpec", "MetadataInfo"]


def __getattr__(name: str) -> Any:
    if name == "AutoRetriever":
        from retrieverkit_auto.retriever import AutoRetriever

        return AutoRetriever
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
