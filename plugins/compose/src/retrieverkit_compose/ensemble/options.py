"""What can be set for the mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from retrieverkit_compose.around import refuse_both
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec

Level = Annotated[int, Field(ge=0, le=5)]


class EnsembleSettings(ModeOptions):
    """Which sizes are searched, by whomever."""

    levels: Sequence[Level] = Field(
        default=(0, 1, 2),
        min_length=1,
        description="The cuttings to search, each by itself. 0 is the one with the smallest pieces. Default: the "
        "three smallest.",
    )
    candidates: int = Field(
        default=50,
        ge=1,
        description="How many hits of each cutting the retriever is asked for. A top_k that is written in that "
        "retriever wins.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError(f"the levels {list(self.levels)} name one twice")
        return self


class EnsembleOptions(EnsembleSettings):
    """Options of the ensemble mode."""

    retriever: RetrieverSpec = Field(description="The retriever that searches each cutting.")

    @model_validator(mode="after")
    def _fits_its_retriever(self) -> Self:
        if "candidates" in self.model_fields_set:
            refuse_both(self.retriever, self.candidates)
        return self
