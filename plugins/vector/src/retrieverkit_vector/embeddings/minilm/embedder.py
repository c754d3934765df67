"""`MiniLm`: sentence embeddings by all-MiniLM-L6-v2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieverkit_vector.embeddings.minilm.bert import Bert
from retrieverkit_vector.embeddings.minilm.tokens import MAX_TOKENS, WordPieces
from retrieverkit_vector.embeddings.minilm.weights import FILE, SHA256, TOKENIZER, check_weights

_HEADS = 12
_BATCH_TOKENS = 2048


class MiniLm:
    """Embeds texts as sentence-transformers does with all-MiniLM-L6-v2. It is an `Embedder`, safe for threads.

    Of a text the first 256 tokens count.

    Args:
        folder: The folder with the official ``model.safetensors`` and ``tokenizer.json``.

    Raises:
        MissingServiceError: The files are not the official ones.
    """

    texts_per_call = 0
    """It costs nothing to ask."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        check_weights(folder / FILE)
        self._tokens = WordPieces(folder / TOKENIZER)
        self._model = Bert(load_file(folder / FILE), _HEADS)
        self.dimension = self._model.dimension
        self.max_tokens = MAX_TOKENS
        self.fingerprint = f"all-MiniLM-L6-v2 {SHA256[:16]}, {MAX_TOKENS} tokens, mean, normalised"

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, of length 1."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        tokens = self._tokens(texts)
        for places in _batches([len(ids) for ids in tokens]):
            pooled = self._model.pooled([tokens[place] for place in places])
            vectors[places] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    def longer(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it has more than the 256 tokens that count."""
        return self._tokens.longer(texts)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a query, made as for documents."""
        return self.embed_documents(texts)

    def __repr__(self) -> str:
        return "MiniLm()"


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of texts of like length, so many that their tokens fill a batch."""
    batch: list[int] = []
    filled = 0
    for place in np.argsort(lengths, kind="stable").tolist():
        if batch and filled + lengths[place] > _BATCH_TOKENS:
            yield batch
            batch, filled = [], 0
        batch.append(place)
        filled += lengths[place]
    if batch:
        yield batch
