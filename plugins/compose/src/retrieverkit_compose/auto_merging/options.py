"""What can be set for the mode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retrieverkit_compose.around import refuse_both
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class AutoMergingSettings(ModeOptions):
    """How children become parents, whoever found them."""

    threshold: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="A parent replaces its children if more than this share of them is found.",
    )
    candidates: int = Field(
        default=20,
        ge=1,
        description="How many nodes the retriever is asked for. A top_k that is written in that retriever wins.",
    )


class AutoMergingOptions(AutoMergingSettings):
    """Options of the auto_merging mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the smallest nodes.")

    @model_validator(mode="after")
    def _fits_its_retriever(self) -> Self:
        if "candidates" in self.model_fields_set:
            refuse_both(self.retriever, self.candidates)
        return self
