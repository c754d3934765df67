"""The metadata index: any filter tree to the nodes that pass it, for modes that work on node ordinals. Needs numpy."""

from retrieverkit_core.metadata_index.index import MetadataIndex
from retrieverkit_core.metadata_index.reader import MetadataReader

__all__ = ["MetadataIndex", "MetadataReader"]
