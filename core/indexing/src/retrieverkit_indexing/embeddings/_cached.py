"""`CachedEmbedder`: an embedder that is asked for each text of a corpus once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from retrieverkit_core.services import texts_per_call
from retrieverkit_core.vectors import checked
from retrieverkit_indexing.embeddings._cache import EmbeddingCache
from retrieverkit_indexing.embeddings._probes import PROBE_TEXTS, probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit_core.services import Embedder


class CachedEmbedder:
    """Wraps an embedder: every vector is checked, those of documents are remembered. It is an `Embedder` itself.

    What is remembered belongs to a model, not to a name: the model is probed once, and what another model of that
    name has left in the cache is never used.

    Args:
        embedder: The model.
        cache: Where documents' vectors are kept.
        batch_size: How many texts the model is given at once; each batch is remembered as it comes.
    """

    def __init__(self, embedder: Embedder, cache: EmbeddingCache, batch_size: int = 256) -> None:
        self._embedder = embedder
        self._cache = cache
        self._batch_size = batch_size
        self._guard = threading.Lock()
        self._probe: str | None = None

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return self._embedder.dimension

    def probe(self) -> str:
        """Return the model's probe; the model is asked for it once.

        Raises:
            ServiceError: The model cannot answer, or not with vectors that can be used.
        """
        with self._guard:
            if self._probe is None:
                self._probe = probe(self._embedder)
            return self._probe

    def expected(self, batches: Iterable[Sequence[str]], *, probes: bool = True) -> tuple[int, int | None]:
        """Return what embedding texts would take, without asking or writing.

        Args:
            batches: The texts, as `embed_documents` would be given them.
            probes: Whether the model is probed, unless it has been.

        Returns:
            How many texts the model would be asked for, and by how many requests; None where it does not say how many
            texts one request takes.
        """
        size = texts_per_call(self._embedder)
        count = requests = 0
        seen: set[str] = set()
        for batch in batches:
            for start in range(0, len(batch), self._batch_size):
                fresh = [text for text in dict.fromkeys(batch[start : start + self._batch_size]) if text not in seen]
                held = self._cache.holds(self.fingerprint, fresh)
                seen.update(fresh)
                asked = held.count(False)
                count += asked
                requests += -(-asked // size) if size else 0
        if probes and self._probe is None and size:
            requests += -(-len(PROBE_TEXTS) // size)
        return count, None if size is None else requests

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, shape ``(len(texts), dimension)``; the model is asked only for unknown texts.

        Raises:
            InvalidEmbeddingError: The model's vectors cannot be used; those of that batch are not remembered.
            ServiceError: The model cannot answer.
        """
        import numpy as np

        size = self._batch_size
        parts = [self._batch(texts[start : start + size]) for start in range(0, len(texts), size)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        probe = self.probe()  # before the dimension, which comes with it
        result = np.empty((len(texts), self.dimension), np.float32)
        known = self._cache.get(self.fingerprint, probe, texts, self.dimension)
        places: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            if at in known:
                result[at] = known[at]
            else:
                places.setdefault(text, []).append(at)
        for asked in self._requests(list(places)):
            vectors = checked(self._embedder.embed_documents(asked), len(asked), self.dimension)
            self._cache.put(self.fingerprint, probe, dict(zip(asked, vectors, strict=True)))
            for text, vector in zip(asked, vectors, strict=True):
                result[places[text]] = vector
        return result

    def _requests(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        """Yield as many texts as one request takes: each is remembered, whatever becomes of the next one."""
        size = texts_per_call(self._embedder) or len(texts) or 1
        for start in range(0, len(texts), size):
            yield texts[start : start + size]

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one checked row a query, shape ``(len(texts), dimension)``. Queries are not remembered.

        Raises:
            InvalidEmbeddingError: The model's vectors cannot be used.
            ServiceError: The model cannot answer.
        """
        return checked(self._embedder.embed_queries(texts), len(texts), self.dimension)

    def __repr__(self) -> str:
        return f"CachedEmbedder({self._embedder!r})"
