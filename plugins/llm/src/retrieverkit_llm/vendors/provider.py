"""The language model ``pydantic_ai`` by name."""

from __future__ import annotations

from importlib.util import find_spec

from pydantic import Field

from retrieverkit_core.services import EmbeddingOptions, LanguageModel
from retrieverkit_llm.chat.habits import Structured

_INSTALL = "pip install 'retrieverkit-llm[vendors]', and the vendor's package, such as 'pydantic-ai-slim[anthropic]'"


class VendorModelOptions(EmbeddingOptions):
    """Options of the language model ``pydantic_ai``. Keys are read from the variables that each vendor names."""

    model: str = Field(
        min_length=1, max_length=200, description="The vendor and the model, such as anthropic:claude-sonnet-4-5."
    )
    timeout: float = Field(default=120.0, gt=0, le=3600, description="Seconds that one request may take.")
    max_retries: int = Field(default=4, ge=0, le=20, description="Further attempts when the vendor is busy or down.")
    structured: Structured = Field(
        default="auto",
        description="How the shape of an answer is asked for. auto: by json_schema where the model is known to take "
        "it, else by a tool call, else in words.",
    )
    max_concurrent: int = Field(
        default=8, ge=1, le=256, description="Requests that are made at once, by all threads and tasks together."
    )


class VendorProvider:
    """Provides `VendorModel`."""

    name = "pydantic_ai"
    summary = "Models of Anthropic, Google, Mistral and other vendors, through pydantic-ai."
    options: type[VendorModelOptions] = VendorModelOptions

    def problem(self, options: VendorModelOptions) -> str:
        """Return that pydantic-ai is not installed, or "". Nothing is imported."""
        return "" if find_spec("pydantic_ai") else f"pydantic-ai is not installed: {_INSTALL}"

    def make(self, options: VendorModelOptions) -> LanguageModel:
        """Return the language model.

        Raises:
            MissingServiceError: pydantic-ai or the vendor's package is not installed, or the vendor's key is not set.
        """
        from retrieverkit_llm.vendors.model import VendorModel

        return VendorModel(options)


provider = VendorProvider()
