"""What can be set for the mode."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from retrieverkit_compose.around import refuse_both
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec

By = Literal["hyde", "multi_query", "decompose"]


class TransformSettings(ModeOptions):
    """How queries are rewritten, whoever is asked then."""

    by: By = Field(
        default="multi_query",
        description="What the language model writes: multi_query (the query in other words), decompose (its "
        "sub-questions), or hyde (passages that could answer it).",
    )
    num_queries: int = Field(
        default=3,
        ge=1,
        le=16,
        description="How many texts the model writes. For decompose, it is the most that it may write.",
    )
    include_original: bool = Field(
        default=True,
        description="Whether the original query is asked too. If it is not, a model that fails is an error.",
    )
    candidates: int = Field(
        default=50,
        ge=1,
        description="For multi_query and decompose: how many hits are asked for per query. A top_k that is written in "
        "the retriever wins.",
    )


class TransformOptions(TransformSettings):
    """Options of the transform mode."""

    retriever: RetrieverSpec = Field(description="The retriever that is asked.")
    llm: str | None = Field(default=None, description="The language model. None: the configured one.")

    @model_validator(mode="after")
    def _fits_its_retriever(self) -> Self:
        if "candidates" in self.model_fields_set:
            if self.by == "hyde":
                raise ValueError("candidates are for multi_query and decompose, which ask several times")
            refuse_both(self.retriever, self.candidates)
        return self
