"""The options that all graph modes share."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from retrieverkit_core.errors import OptionError
from retrieverkit_core.filters import FilterOperator
from retrieverkit_core.plugin import FilterCapabilities, ModeOptions
from retrieverkit_property_graph.extract_schema import ExtractSchema

Extract = Literal["auto", "given", "rules", "llm"]

FILTERS = FilterCapabilities(frozenset(operator.value for operator in FilterOperator))


class GraphOptions(ModeOptions):
    """Options of every graph mode. Modes with equal ones share one graph on disk."""

    extract: Extract = Field(
        default="auto",
        description="Where relations come from, besides the triples in a document's metadata. given: from nowhere "
        "else. auto: from rules, for documents without triples. rules, llm: from rules or a language model, for "
        "every document.",
    )
    entity_fields: tuple[str, ...] = Field(
        default=(), description="Metadata fields whose values are entities, such as author."
    )
    llm: str | None = Field(
        default=None, description="The language model, with options: \"openai(model='m')\". None: the index's own."
    )

    extract_schema: ExtractSchema | None = Field(
        default=None,
        description='With extract="llm": what the model is to look for, such as {"entities": ["Person"], "relations": '
        '["works at"], "strict": True}; strict lets nothing else into the graph. None: whatever it finds.',
    )

    @field_validator("extract_schema")
    @classmethod
    def _is_used(cls, schema: ExtractSchema | None, info: ValidationInfo) -> ExtractSchema | None:
        if schema is not None and info.data.get("extract") != "llm":
            raise ValueError('it is for extract="llm"')
        return schema

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
