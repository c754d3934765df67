"""The options that all graph modes share."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from retrieverkit_core.errors import OptionError
from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.plugin import FilterCapabilities, ModeOptions

Extract = Literal["auto", "given", "rules", "llm"]

FILTERS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))


class GraphOptions(ModeOptions):
    """Options of every graph mode. Modes with equal ones share one graph on disk."""

    extract: Extract = Field(
        default="auto",
        description="Where relations come from, beside the triples in a document's metadata: auto, by rules for "
        "documents that have none; given, nowhere else; rules or llm, by rules or a language model for every document.",
    )
    entity_fields: tuple[str, ...] = Field(
        default=(), description="Metadata fields whose values are entities, such as author."
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )

    @field_validator("entity_fields", mode="before")
    @classmethod
    def _as_tuple(cls, fields: Any) -> Any:
        return tuple(dict.fromkeys(fields)) if isinstance(fields, list | tuple) and _hashable(fields) else fields

    @classmethod
    def checked(cls, mode: str, **options: Any) -> Self:
        """Return these options.

        Raises:
            OptionError: One has a value that cannot be.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
            raise OptionError(mode, problems) from error


def _hashable(fields: Any) -> bool:
    return all(isinstance(field, str) for field in fields)
