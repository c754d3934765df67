"""The modes that are made of others. Importing this loads none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_compose.auto_merging.retriever import AutoMergingRetriever
    from retrieverkit_compose.diversify.retriever import DiversifyRetriever
    from retrieverkit_compose.ensemble.retriever import EnsembleRetriever
    from retrieverkit_compose.exclude.retriever import ExcludeRetriever
    from retrieverkit_compose.pinned.retriever import PinnedRetriever
    from retrieverkit_compose.recursive.retriever import RecursiveRetriever
    from retrieverkit_compose.rerank.retriever import RerankRetriever
    from retrieverkit_compose.router.retriever import RouterRetriever
    from retrieverkit_compose.sentence_window.retriever import SentenceWindowRetriever
    from retrieverkit_compose.shadow.comparison import Comparison
    from retrieverkit_compose.shadow.retriever import ShadowRetriever
    from retrieverkit_compose.transform.retriever import TransformRetriever

__all__ = [
    "AutoMergingRetriever",
    "Comparison",
    "DiversifyRetriever",
    "EnsembleRetriever",
    "ExcludeRetriever",
    "PinnedRetriever",
    "RecursiveRetriever",
    "RerankRetriever",
    "RouterRetriever",
    "SentenceWindowRetriever",
    "ShadowRetriever",
    "TransformRetriever",
]

_MODULES = {
    "AutoMergingRetriever": "auto_merging.retriever",
    "Comparison": "shadow.comparison",
    "DiversifyRetriever": "diversify.retriever",
    "EnsembleRetriever": "ensemble.retriever",
    "ExcludeRetriever": "exclude.retriever",
    "PinnedRetriever": "pinned.retriever",
    "RecursiveRetriever": "recursive.retriever",
    "RerankRetriever": "rerank.retriever",
    "RouterRetriever": "router.retriever",
    "SentenceWindowRetriever": "sentence_window.retriever",
    "ShadowRetriever": "shadow.retriever",
    "TransformRetriever": "transform.retriever",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
