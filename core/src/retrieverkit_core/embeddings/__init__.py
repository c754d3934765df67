"""What every embedding goes through: checked vectors, a cache that a rebuild pays nothing with, and probes.

Nothing here needs numpy until a vector is looked at; it comes with ``retrieverkit-core[embeddings]``.
"""

from retrieverkit_core.embeddings.cache import EmbeddingCache
from retrieverkit_core.embeddings.cached import CachedEmbedder
from retrieverkit_core.embeddings.checks import checked
from retrieverkit_core.embeddings.options import EmbeddingOptions
from retrieverkit_core.embeddings.probes import PROBE_TEXTS, probe, require_same_model, same_model

__all__ = [
    "PROBE_TEXTS",
    "CachedEmbedder",
    "EmbeddingCache",
    "EmbeddingOptions",
    "checked",
    "probe",
    "require_same_model",
    "same_model",
]
