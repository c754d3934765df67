"""The metadata index: any filter tree to the nodes that pass it, for modes that work on node ordinals. Needs numpy."""

from retrieverkit_indexing.metadata._index import MetadataIndex
from retrieverkit_indexing.metadata._reader import MetadataReader

__all__ = ["MetadataIndex", "MetadataReader"]
