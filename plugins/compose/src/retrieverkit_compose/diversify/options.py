"""What can be set for the mode."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from retrieverkit_compose.around import limit_name, written_limit
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec


class DiversifySettings(ModeOptions):
    """How many hits of one kind there may be."""

    field: str | None = Field(
        default=None,
        min_length=1,
        description="The metadata field that says of which kind a hit is. None: the document.",
    )
    most: int = Field(default=1, ge=1, description="Return at most this many hits of one kind.")
    candidates: int = Field(default=50, ge=1, description="How many hits the retriever is asked for.")


class DiversifyOptions(DiversifySettings):
    """Options of the diversify mode."""

    retriever: RetrieverSpec = Field(description="The retriever that finds the hits.")

    @model_validator(mode="after")
    def _fits_its_retriever(self) -> Self:
        if written_limit(self.retriever) is not None:
            limit = limit_name(self.retriever)
            raise ValueError(f"{self.retriever} has a {limit}, but is asked until there are enough hits; leave it out")
        return self
