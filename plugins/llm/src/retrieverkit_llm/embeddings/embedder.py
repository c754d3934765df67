"""`OpenAIEmbedder`: asks an endpoint for embeddings, batch by batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core import budget
from retrieverkit_core.vectors import checked
from retrieverkit_llm.embeddings.answer import read_vectors
from retrieverkit_llm.embeddings.provider import OpenAIOptions
from retrieverkit_llm.endpoint.endpoint import Endpoint

MAX_BYTES = 64 * 2**20
"""The longest answer that is read; 2,048 vectors of 1,536 numbers take about as much."""

_ANY_TEXT = ("how long is a vector?",)


@contextmanager
def _counted() -> Iterator[None]:
    budget.spend(embedding_calls=1)
    yield


class OpenAIEmbedder:
    """Embeds texts by an endpoint that speaks OpenAI's protocol. It is an `Embedder`, safe to share between threads.

    Every answer is checked before it is returned: its count, its order by ``index``, one length, finite numbers.

    Args:
        options: The endpoint, the model and how to ask.

    Raises:
        MissingServiceError: The environment variable with the key is not set, or holds no key.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        self._options = options
        self._endpoint = Endpoint(
            options.base_url,
            options.api_key_env,
            timeout=options.timeout,
            max_retries=options.max_retries,
            max_bytes=MAX_BYTES,
        )
        self._guard = threading.Lock()
        self._dimension = options.dimensions

    @property
    def fingerprint(self) -> str:
        """Names the model and the length that was asked for; the endpoint may move."""
        return f"openai {self._options.model}, {self._options.dimensions or 'own'} dimensions"

    @property
    def dimension(self) -> int:
        """The length of every vector. Unless it is among the options or was seen, the endpoint is asked once."""
        return self._dimension or self._seen(len(read_vectors(self._ask(_ANY_TEXT), 1)[0]))

    def _seen(self, dimension: int) -> int:
        """Return the length of vectors that was seen first."""
        with self._guard:
            self._dimension = self._dimension or dimension
            return self._dimension

    @property
    def texts_per_call(self) -> int:
        """How many texts one request embeds."""
        return self._options.batch_size

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text.

        Raises:
            BudgetExceededError: The caller's budget does not allow another attempt.
            EndpointError: The endpoint did not answer, or refused to.
            InvalidEmbeddingError: What it answered cannot be used.
        """
        size = self._options.batch_size
        parts = []
        for start in range(0, len(texts), size):
            batch = texts[start : start + size]
            vectors = read_vectors(self._ask(batch), len(batch))
            parts.append(checked(vectors, len(batch), self._seen(len(vectors[0]))))
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per query, asked for as documents are.

        Raises:
            BudgetExceededError: The caller's budget does not allow another attempt.
            EndpointError: The endpoint did not answer, or refused to.
            InvalidEmbeddingError: What it answered cannot be used.
        """
        return self.embed_documents(texts)

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        self._endpoint.close()

    def _ask(self, texts: Sequence[str]) -> bytes:
        body: dict[str, object] = {"model": self._options.model, "input": list(texts), "encoding_format": "float"}
        if self._options.dimensions is not None:
            body["dimensions"] = self._options.dimensions
        return self._endpoint.post("embeddings", body, _counted)

    def __repr__(self) -> str:
        return f"OpenAIEmbedder({self._options.model!r}, {self._options.base_url!r})"
