"""The ``openai`` language model by name."""

from __future__ import annotations

from pydantic import BaseModel, Field

from retrieverkit_core.services import LanguageModel
from retrieverkit_llm.chat.habits import Structured
from retrieverkit_llm.endpoint.options import EndpointOptions


class OpenAIModelOptions(EndpointOptions):
    """Options of the language model ``openai``."""

    timeout: float = Field(default=120.0, gt=0, le=3600, description="Seconds that one request may take.")
    structured: Structured = Field(
        default="auto",
        description="How the shape of an answer is asked for. auto: by json_schema where the endpoint knows it, else "
        "by a tool call, else in words.",
    )
    max_concurrent: int = Field(
        default=8, ge=1, le=256, description="Requests that are made at once, by all threads and tasks together."
    )


class OpenAIProvider:
    """Provides `OpenAIModel`."""

    name = "openai"
    summary = "Any endpoint that speaks OpenAI's chat protocol, here or elsewhere."
    options: type[BaseModel] = OpenAIModelOptions

    def problem(self, options: BaseModel) -> str:
        """Return which environment variable is missing, or "". The endpoint is not called."""
        assert isinstance(options, OpenAIModelOptions)
        return options.missing_key()

    def make(self, options: BaseModel) -> LanguageModel:
        """Return the language model.

        Raises:
            MissingServiceError: The environment variable with the key is not set, or holds no key.
        """
        from retrieverkit_llm.chat.model import OpenAIModel

        assert isinstance(options, OpenAIModelOptions)
        return OpenAIModel(options)


provider = OpenAIProvider()
