"""`ExtractSchema`: what a language model may find in a text."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class ExtractSchema(BaseModel):
    """What a language model is to look for.

    Attributes:
        entities: What entities are, such as ``Person``; empty for whatever the model calls them.
        relations: What relations are called, such as ``works at``; empty for whatever the model calls them.
        strict: Whether nothing else may be in the graph; else these are what the model is to prefer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    entities: tuple[str, ...] = Field(default=(), description="What entities are, such as Person.")
    relations: tuple[str, ...] = Field(default=(), description="What relations are called, such as works at.")
    strict: bool = Field(default=True, description="Whether nothing else may be in the graph.")

    @field_validator("entities", "relations", mode="before")
    @classmethod
    def _as_tuple(cls, names: Any) -> Any:
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            return names
        if not all(name.strip() for name in names):
            raise ValueError("a name in it is blank")
        return tuple(dict.fromkeys(name.strip() for name in names))

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.entities and not self.relations:
            raise ValueError("it names neither entities nor relations")
        return self
