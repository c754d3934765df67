"""``hash``: vectors made of nothing but the words' hashes, for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from retrieverkit_core.services import Embedder, EmbeddingOptions


class HashOptions(EmbeddingOptions):
    """Options of ``hash``."""

    dimensions: int = Field(default=256, ge=1, le=65536, description="Length of a vector.")


class HashEmbedder:
    """Gives each word a fixed random direction and each text the sum of its words'. It is an `Embedder`.

    Texts that share words are near each other and nothing else is understood. A text without words, or whose words
    cancel out, has the direction of its own hash; so no vector is zero.

    Args:
        dimension: The length of a vector.
    """

    texts_per_call = 0
    """It costs nothing to ask."""

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension
        self.fingerprint = f"hash 1, {dimension} dimensions"

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, of length 1."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                vector += self._direction(word)
            length = np.linalg.norm(vector)
            vector[:] = vector / length if length > 0 else self._direction(text) / self.dimension**0.5
        return vectors

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a query, made as for documents."""
        return self.embed_documents(texts)

    def _direction(self, word: str) -> NDArray[np.float32]:
        """Return +1 or -1 in each dimension."""
        shake = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(-(-self.dimension // 8))
        bits = np.unpackbits(np.frombuffer(shake, np.uint8), count=self.dimension)
        return bits.astype(np.float32) * 2 - 1

    def __repr__(self) -> str:
        return f"HashEmbedder({self.dimension})"


class HashProvider:
    """Provides `HashEmbedder`."""

    name = "hash"
    summary = "Vectors of hashed words: deterministic and without meaning, for tests."
    options: type[BaseModel] = HashOptions

    def problem(self, options: BaseModel) -> str:
        """Return "": it needs nothing."""
        return ""

    def make(self, options: BaseModel) -> Embedder:
        """Return the embedding."""
        assert isinstance(options, HashOptions)
        return HashEmbedder(options.dimensions)


provider = HashProvider()
