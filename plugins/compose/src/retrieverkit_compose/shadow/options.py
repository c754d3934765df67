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
        default=30.0, gt=0, le=MAX_TIMEOUT, description="Time limit of the other retriever, in seconds."
    )
    concurrency: int = Field(
        default=4,
        ge=1,
        description="Run at most this many comparisons at the same time. Further queries are not compared.",
    )


class ShadowOptions(ShadowSettings):
    """Options of the shadow mode."""

    retrievers: tuple[RetrieverSpec, ...] = Field(
        description="Two retrievers: the one that answers, and the one that is compared with it."
    )

    @model_validator(mode="after")
    def _two(self) -> Self:
        if len(self.retrievers) != 2:
            raise ValueError(f"takes two retrievers, who answers and who is compared, got {len(self.retrievers)}")
        return self
