"""`TextVectors`: how near texts are to a query, where each text is embedded when it is first compared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from retrieverkit_core.errors import QueryError
from retrieverkit_core.vectors import checked
from retrieverkit_indexing.cache_file import text_key
from retrieverkit_indexing.turn import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.services import Embedder

K = TypeVar("K", bound=Hashable)

_BATCH = 256
_SPARE = 1024


def query_vector(model: Embedder, query: QueryBundle) -> NDArray[np.float32] | None:
    """Return the direction that a query looks into, of length 1; None where the model knows nothing of its words.

    Raises:
        QueryError: The query brings a vector that the model's cannot be compared with.
        ServiceError: The model cannot answer.
    """
    if query.embedding is not None:
        if len(query.embedding) != model.dimension:
            raise QueryError(
                f"the query's embedding has {len(query.embedding)} numbers; the texts' have {model.dimension}",
                fix="embed the query with the model that the index uses",
            )
        rows = np.array([query.embedding], np.float64)
    else:
        texts = [text for text in query.embedding_strs if text.strip()]
        if not texts:
            return None
        given = checked(model.embed_queries(texts), len(texts), model.dimension, allow_zero=True)
        rows = _directions(given.astype(np.float64))
    mean = _directions(rows.mean(axis=0, keepdims=True))[0].astype(np.float32)
    return mean if mean.any() else None


class TextVectors(Generic[K]):
    """The vectors of texts by key, in the memory of this process. Safe to share between threads.

    Equal texts share one vector, so that they are equally near to whatever.

    Args:
        texts_of: Returns the texts of some keys. The text of a key never changes; that of one that is gone is "".
    """

    def __init__(self, texts_of: Callable[[Sequence[K]], Sequence[str]]) -> None:
        self._texts_of = texts_of
        self._turn = Turn("the embedding of texts")
        self._forget(None)

    def nearness(
        self, model: Embedder, vector: NDArray[np.float32], keys: Sequence[K], most: int
    ) -> NDArray[np.float64]:
        """Return the cosine of each text with a vector of length 1; NaN for a text that the model knows nothing of.

        Args:
            model: Embeds the texts that have not been compared yet. What another model gave is forgotten.
            vector: What is compared with.
            keys: The texts.
            most: About how many texts there are in all; what is kept of far more is forgotten.

        Raises:
            ServiceError: The model cannot answer; what it gave before is kept.
            DeadlineExceededError: Another query has been embedding until the caller's deadline.
        """
        with self._turn.taken():
            if model is not self._model or len(self._places) > 2 * most + _SPARE:
                self._forget(model)
            missing = [key for key in dict.fromkeys(keys) if key not in self._places]
            for start in range(0, len(missing), _BATCH):
                self._add(model, missing[start : start + _BATCH])
            places = np.fromiter((self._places[key] for key in keys), np.int64, len(keys))
            rows = self._rows[: len(self._by_text)]
        known = rows.any(axis=1)
        near = np.clip(np.einsum("ij,j->i", rows, vector).astype(np.float64), -1.0, 1.0)
        return np.where(known, near, np.nan)[places]

    def missing(self, model: Embedder, keys: Sequence[K]) -> list[Sequence[str]]:
        """Return the texts that `nearness` would have embedded, as they would be given to the model."""
        with self._turn.taken():
            known = self._places if model is self._model else {}
            missing = [key for key in dict.fromkeys(keys) if key not in known]
        batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
        return [[text for text in self._texts_of(batch) if text.strip()] for batch in batches]

    def _forget(self, model: Embedder | None) -> None:
        self._model = model
        self._places: dict[K, int] = {}
        self._by_text: dict[bytes, int] = {}
        self._rows = np.empty((0, model.dimension if model else 0), np.float32)

    def _add(self, model: Embedder, keys: Sequence[K]) -> None:
        by_key = {key: (text_key(text), text) for key, text in zip(keys, self._texts_of(keys), strict=True)}
        fresh = {digest: text for digest, text in by_key.values() if digest not in self._by_text}
        worded = [at for at, text in enumerate(fresh.values()) if text.strip()]
        vectors = np.zeros((len(fresh), model.dimension), np.float64)
        if worded:
            texts = list(fresh.values())
            given = model.embed_documents([texts[at] for at in worded])
            vectors[worded] = checked(given, len(worded), model.dimension, allow_zero=True)
        held = len(self._by_text)
        if held + len(fresh) > len(self._rows):  # whoever reads the former array keeps it
            grown = np.zeros((2 * held + len(fresh), model.dimension), np.float32)
            grown[:held] = self._rows[:held]
            self._rows = grown
        self._rows[held : held + len(fresh)] = _directions(vectors)
        self._by_text.update((digest, held + at) for at, digest in enumerate(fresh))
        self._places.update((key, self._by_text[digest]) for key, (digest, _) in by_key.items())


def nearest(scores: NDArray[np.float64], limit: int | None = None) -> list[int]:
    """Return the places of the highest scores that are there, equal ones in their order.

    Args:
        scores: The scores; NaN where there is none.
        limit: At most this many; None for all.
    """
    there = np.flatnonzero(~np.isnan(scores))
    return [int(at) for at in there[np.argsort(-scores[there], kind="stable")][:limit]]


def _directions(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
