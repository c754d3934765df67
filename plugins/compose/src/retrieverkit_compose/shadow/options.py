"""What can be set for the mode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.query import MAX_TIMEOUT
from retrieverkit_core.spec import RetrieverSpec


class ShadowSettings(ModeOptions):
    """How another retriever is compared."""

    timeout: float = Field(
        default=30.0, gt=0, le=MAX_TIMEOUT, description="Seconds after which the other retriever is given up."
    )
    concurrency: int = Field(
        default=4, ge=1, description="At most so many comparisons run at once; queries beyond that are not compared."
    )


class ShadowOptions(ShadowSettings):
    """Options of the shadow mode."""

    retrievers: tuple[RetrieverSpec, ...] = Field(description="Who answers, and who is compared: two retrievers.")

    @model_validator(mode="after")
    def _two(self) -> Self:
        if len(self.retrievers) != 2:
            raise ValueError(f"takes two retrievers, who answers and who is compared, got {len(self.retrievers)}")
        return self
