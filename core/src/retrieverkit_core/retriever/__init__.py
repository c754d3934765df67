"""The retriever contract: what authors subclass, and the steps of one call."""

from retrieverkit_core.retriever.auto import BaseAutoRetriever
from retrieverkit_core.retriever.base import BaseRetriever

__all__ = ["BaseAutoRetriever", "BaseRetriever"]
