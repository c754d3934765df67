"""Several retrievers asked side by side, their answers made into one ranking."""

from retrieverkit_fusion.hybrid import HybridRetriever
from retrieverkit_fusion.retriever import FusionRetriever

__all__ = ["FusionRetriever", "HybridRetriever"]
