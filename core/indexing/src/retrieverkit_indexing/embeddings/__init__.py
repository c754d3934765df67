"""What every embedding goes through: checked vectors, a cache that a rebuild pays nothing with, and probes.

Nothing here needs numpy until a vector is looked at; it comes with ``retrieverkit-indexing[embeddings]``.
"""

from retrieverkit_indexing.embeddings._cache import EmbeddingCache
from retrieverkit_indexing.embeddings._cached import CachedEmbedder
from retrieverkit_indexing.embeddings._probes import PROBE_TEXTS, probe, require_same_model, same_model

__all__ = [
    "PROBE_TEXTS",
    "CachedEmbedder",
    "EmbeddingCache",
    "probe",
    "require_same_model",
    "same_model",
]
