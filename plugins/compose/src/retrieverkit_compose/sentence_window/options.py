"""What can be set for the mode."""

from __future__ import annotations

from pydantic import Field

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class SentenceWindowSettings(ModeOptions):
    """How much is shown around what was found."""

    window: int = Field(
        default=3, ge=1, le=100, description="How many neighbours are added before a found node, and after it."
    )


class SentenceWindowOptions(SentenceWindowSettings):
    """Options of the sentence_window mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the nodes.")
