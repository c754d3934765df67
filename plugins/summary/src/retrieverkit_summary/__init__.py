"""The summary and tree retriever modes, by choice of a language model or without one. Importing this loads no numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_summary.choosing_documents import DocumentSummaryEmbeddingRetriever, DocumentSummaryLLMRetriever
    from retrieverkit_summary.choosing_nodes import SummaryLLMRetriever
    from retrieverkit_summary.embedding_nodes import SummaryEmbeddingRetriever
    from retrieverkit_summary.in_order import SummaryRetriever
    from retrieverkit_summary.plugin import (
        DocumentSummaryEmbeddingOptions,
        DocumentSummaryLLMOptions,
        SummaryEmbeddingOptions,
        SummaryLLMOptions,
        SummaryOptions,
    )
    from retrieverkit_summary.tree.all_leaf import TreeAllLeafRetriever
    from retrieverkit_summary.tree.plugin import (
        TreeAllLeafOptions,
        TreeRootOptions,
        TreeSelectLeafEmbeddingOptions,
        TreeSelectLeafOptions,
    )
    from retrieverkit_summary.tree.root import TreeRootRetriever
    from retrieverkit_summary.tree.select_leaf import TreeSelectLeafRetriever
    from retrieverkit_summary.tree.select_leaf_embedding import TreeSelectLeafEmbeddingRetriever

__all__ = [
    "DocumentSummaryEmbeddingOptions",
    "DocumentSummaryEmbeddingRetriever",
    "DocumentSummaryLLMOptions",
    "DocumentSummaryLLMRetriever",
    "SummaryEmbeddingOptions",
    "SummaryEmbeddingRetriever",
    "SummaryLLMOptions",
    "SummaryLLMRetriever",
    "SummaryOptions",
    "SummaryRetriever",
    "TreeAllLeafOptions",
    "TreeAllLeafRetriever",
    "TreeRootOptions",
    "TreeRootRetriever",
    "TreeSelectLeafEmbeddingOptions",
    "TreeSelectLeafEmbeddingRetriever",
    "TreeSelectLeafOptions",
    "TreeSelectLeafRetriever",
]

_MODULES = {
    "DocumentSummaryEmbeddingOptions": "plugin",
    "DocumentSummaryEmbeddingRetriever": "choosing_documents",
    "DocumentSummaryLLMOptions": "plugin",
    "DocumentSummaryLLMRetriever": "choosing_documents",
    "SummaryEmbeddingOptions": "plugin",
    "SummaryEmbeddingRetriever": "embedding_nodes",
    "SummaryLLMOptions": "plugin",
    "SummaryLLMRetriever": "choosing_nodes",
    "SummaryOptions": "plugin",
    "SummaryRetriever": "in_order",
    "TreeAllLeafOptions": "tree.plugin",
    "TreeAllLeafRetriever": "tree.all_leaf",
    "TreeSelectLeafEmbeddingOptions": "tree.plugin",
    "TreeRootOptions": "tree.plugin",
    "TreeRootRetriever": "tree.root",
    "TreeSelectLeafEmbeddingRetriever": "tree.select_leaf_embedding",
    "TreeSelectLeafOptions": "tree.plugin",
    "TreeSelectLeafRetriever": "tree.select_leaf",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
