"""The ``openai`` embedding by name."""

from __future__ import annotations

from pydantic import BaseModel, Field

from retrieverkit_core.services import Embedder
from retrieverkit_llm.endpoint.options import EndpointOptions


class OpenAIOptions(EndpointOptions):
    """Options of the embedding ``openai``."""

    dimensions: int | None = Field(
        default=None, ge=1, le=65536, description="Length of a vector, asked of the model. None: the model's own."
    )
    batch_size: int = Field(default=128, ge=1, le=2048, description="Texts in one request.")


class OpenAIProvider:
    """Provides `OpenAIEmbedder`."""

    name = "openai"
    summary = "Any endpoint that speaks OpenAI's embeddings protocol, here or elsewhere."
    options: type[BaseModel] = OpenAIOptions

    def problem(self, options: BaseModel) -> str:
        """Return which environment variable is missing, or "". The endpoint is not called."""
        assert isinstance(options, OpenAIOptions)
        return options.missing_key()

    def make(self, options: BaseModel) -> Embedder:
        """Return the embedding.

        Raises:
            MissingServiceError: The environment variable with the key is not set, or holds no key.
        """
        from retrieverkit_llm.embeddings.embedder import OpenAIEmbedder

        assert isinstance(options, OpenAIOptions)
        return OpenAIEmbedder(options)


provider = OpenAIProvider()
