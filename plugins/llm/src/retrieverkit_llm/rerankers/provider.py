"""The ``http`` reranker by name."""

from __future__ import annotations

from pydantic import BaseModel, Field

from retrieverkit_core.services import Reranker
from retrieverkit_llm.endpoint.options import EndpointOptions


class RerankerOptions(EndpointOptions):
    """Options of the reranker ``http``."""

    base_url: str = Field(
        description="The endpoint, up to but without /rerank, such as https://api.jina.ai/v1 or "
        "https://api.cohere.com/v2."
    )
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        max_length=100,
        description="Name of the environment variable that holds the key. None: no key is sent.",
    )
    batch_size: int = Field(default=500, ge=1, le=10_000, description="Texts in one request.")


class RerankerProvider:
    """Provides `HTTPReranker`."""

    name = "http"
    summary = "Any endpoint with a /rerank in the form of Jina's and Cohere's."
    options: type[BaseModel] = RerankerOptions

    def problem(self, options: BaseModel) -> str:
        """Return which environment variable is missing, or "". The endpoint is not called."""
        assert isinstance(options, RerankerOptions)
        return options.missing_key()

    def make(self, options: BaseModel) -> Reranker:
        """Return the reranker.

        Raises:
            MissingServiceError: The environment variable with the key is not set, or holds no key.
        """
        from retrieverkit_llm.rerankers.http import HTTPReranker

        assert isinstance(options, RerankerOptions)
        return HTTPReranker(options)


provider = RerankerProvider()
