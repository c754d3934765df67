"""`HTTPReranker`: asks an endpoint's ``/rerank``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from retrieverkit_core import budget
from retrieverkit_core.errors import shorten
from retrieverkit_core.plan import tokens_of
from retrieverkit_llm.endpoint.endpoint import Endpoint
from retrieverkit_llm.endpoint.refused import RefusedError
from retrieverkit_llm.endpoint.retries import FIRST_WAIT
from retrieverkit_llm.rerankers.answer import Scored, read_scores
from retrieverkit_llm.rerankers.provider import RerankerOptions

MAX_BYTES = 32 * 2**20
"""The longest answer that is read: some endpoints repeat the texts in it."""

_PATH = "rerank"


class HTTPReranker:
    """A `Reranker` behind an endpoint that has Jina's and Cohere's form. Safe to share between threads and loops.

    More texts than ``batch_size`` are asked about in several requests, one after the other.

    Args:
        options: The endpoint, the model and how to ask.
        first_wait: Seconds before the second attempt, about.

    Raises:
        MissingServiceError: The environment variable with the key is not set, or holds no key.
    """

    def __init__(self, options: RerankerOptions, *, first_wait: float = FIRST_WAIT) -> None:
        self._options = options
        self._endpoint = Endpoint(
            options.base_url,
            options.api_key_env,
            timeout=options.timeout,
            max_retries=options.max_retries,
            max_bytes=MAX_BYTES,
            first_wait=first_wait,
        )

    @property
    def name(self) -> str:
        """The model's name at the endpoint."""
        return self._options.model

    def calls_for(self, texts: int) -> int:
        """Return how many requests it takes to score that many texts."""
        return -(-texts // self._options.batch_size)

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score per text.

        Raises:
            EndpointError: The endpoint did not answer, or refused to.
            ModelAnswerError: It answered, but not with one score for each text.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        return list(chain.from_iterable(self._scored(query, batch) for batch in self._batches(texts)))

    async def arerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """As `rerank`, without blocking the event loop. A cancelled caller ends the request."""
        return [score for batch in self._batches(texts) for score in await self._ascored(query, batch)]

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        self._endpoint.close()

    def _batches(self, texts: Sequence[str]) -> Iterator[Sequence[str]]:
        for start in range(0, len(texts), self._options.batch_size):
            yield texts[start : start + self._options.batch_size]

    def _scored(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        spending = _Spending(query, texts)
        answer = self._endpoint.post(_PATH, self._body(query, texts), spending.attempt)
        return spending.answered(read_scores(answer, len(texts)))

    async def _ascored(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        spending = _Spending(query, texts)
        answer = await self._endpoint.apost(_PATH, self._body(query, texts), spending.attempt)
        return spending.answered(read_scores(answer, len(texts)))

    def _body(self, query: str, texts: Sequence[str]) -> dict[str, object]:
        return {"model": self._options.model, "query": query, "documents": list(texts), "top_n": len(texts)}

    def __repr__(self) -> str:
        return f"HTTPReranker({self._options.model!r}, {shorten(self._options.base_url, 200)!r})"


class _Spending:
    """Counts one request; its tokens are an estimate until the endpoint says how many there were."""

    def __init__(self, query: str, texts: Sequence[str]) -> None:
        self._due = tokens_of(query, *texts)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        budget.spend(llm_calls=1, tokens=self._due)
        try:
            yield
        except RefusedError:
            budget.note(tokens=-self._due)
            raise

    def answered(self, said: Scored) -> Sequence[float]:
        if said.tokens is not None:
            budget.note(tokens=said.tokens - self._due)
        return said.scores
