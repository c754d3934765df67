"""Vectors of texts that no vector index holds, such as summaries and names: `TextModel` embeds, `TextVectors` keeps.

It needs numpy, which comes with ``retrieverkit-indexing[embeddings]``.
"""

from retrieverkit_indexing.text_vectors._model import TextModel
from retrieverkit_indexing.text_vectors._vectors import TextVectors, nearest, query_vector

__all__ = ["TextModel", "TextVectors", "nearest", "query_vector"]
