"""The JSON schema of an answer, as endpoints with strict decoding want it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

_DROPPED = {"default", "title", "discriminator", "examples", "uniqueItems", "minLength", "maxLength", "minProperties"}
"""What strict decoders refuse or do not need. pydantic checks all of it afterwards."""
_OF_NAMES = {"properties", "$defs"}


@dataclass(frozen=True)
class Shape:
    """The shape of an answer.

    Attributes:
        model: What it must be an instance of.
    """

    model: type[BaseModel]

    @property
    def name(self) -> str:
        """A name that endpoints accept."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.model.__name__)[:64] or "answer"

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema: objects have all their fields and no others."""
        made: dict[str, Any] = _strict(self.model.model_json_schema())
        return made

    @cached_property
    def is_strict(self) -> bool:
        """Whether strict decoding can follow it: it has no objects with free names and no tuples."""
        return not any(_is_free(part) for part in _parts(self.schema))

    @property
    def text(self) -> str:
        """The schema as it is shown to a model."""
        return json.dumps(self.schema, ensure_ascii=False)


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _OF_NAMES:
            made[keyword] = {name: _strict(part) for name, part in value.items()}
        elif keyword in ("enum", "const", "required"):
            made[keyword] = value
        elif keyword not in _DROPPED:
            made["anyOf" if keyword == "oneOf" else keyword] = _strict(value)
    if made.get("type") == "object" and not isinstance(made.get("additionalProperties"), dict | bool):
        made["additionalProperties"] = False
    if "properties" in made:
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


def _parts(schema: Any) -> list[Mapping[str, Any]]:
    """Return a schema and all schemas in it."""
    if isinstance(schema, list):
        return [part for each in schema for part in _parts(each)]
    if not isinstance(schema, dict):
        return []
    found: list[Mapping[str, Any]] = [schema]
    for keyword, value in schema.items():
        if keyword in _OF_NAMES:
            found += [part for each in value.values() for part in _parts(each)]
        elif keyword not in ("enum", "const"):
            found += _parts(value)
    return found


def _is_free(schema: Mapping[str, Any]) -> bool:
    return "prefixItems" in schema or "allOf" in schema or schema.get("additionalProperties", False) is not False
