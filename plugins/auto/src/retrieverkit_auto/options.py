"""What can be set for the mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from retrieverkit_auto.fields import MetadataInfo
from retrieverkit_core.errors import OptionError
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_core.spec import RetrieverSpec

Interpreter = Literal["rules", "model"]


class AutoSettings(ModeOptions):
    """How questions are read, whatever is asked then."""

    interpreter: Interpreter = Field(
        default="rules",
        description="What finds filters in a question: English rules, which ask no model and never guess, or a "
        "language model.",
    )
    metadata: Sequence[MetadataInfo] | None = Field(
        default=None,
        description="The fields that a question may filter by, each with its name, type, description and, if there "
        "are few, its values. None: all fields of the corpus.",
    )
    content: str = Field(
        default="",
        description="What the documents are, such as 'lives of celebrities'. A language model is shown it; and a "
        "question for celebrities then asks for all documents.",
    )
    max_top_k: int = Field(
        default=20, ge=1, description="Return at most this many hits, even if a question asks for more."
    )
    instructions: str | None = Field(
        default=None, description="The instructions for the language model. None: the default instructions."
    )

    @field_validator("metadata")
    @classmethod
    def _each_once(cls, metadata: Sequence[MetadataInfo] | None) -> Sequence[MetadataInfo] | None:
        names = [info.name for info in metadata or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is declared twice")
        return metadata

    @classmethod
    def checked(cls, **settings: Any) -> Self:
        """Return the settings.

        Raises:
            OptionError: A setting is wrong.
        """
        try:
            return cls(**settings)
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
            raise OptionError("auto", problems) from error


class AutoOptions(AutoSettings):
    """Options of the auto mode."""

    retriever: RetrieverSpec = Field(description="The retriever that is asked with what was read from the question.")
    llm: str | None = Field(
        default=None, description="The language model, for interpreter='model'. None: the configured one."
    )
