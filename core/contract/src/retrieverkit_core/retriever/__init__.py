"""The retriever contract: what authors subclass, and the steps of one call."""

from retrieverkit_core.found import Found
from retrieverkit_core.retriever._auto import BaseAutoRetriever
from retrieverkit_core.retriever._base import BaseRetriever, Hits
from retrieverkit_core.retriever._feedback import RelevanceFeedback
from retrieverkit_core.retriever._origin import Origin, keep_prompts, origin_of
from retrieverkit_core.retriever._vectors import Compared, NodeVectors

__all__ = [
    "BaseAutoRetriever",
    "BaseRetriever",
    "Compared",
    "Found",
    "Hits",
    "NodeVectors",
    "Origin",
    "RelevanceFeedback",
    "keep_prompts",
    "origin_of",
]
