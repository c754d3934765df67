"""YAML between two lines of three hyphens at the head of a text: metadata of the document, not text."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, NamedTuple

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.nodes import Metadata

LONGEST = 64 * 1024
"""Characters; what is longer is text."""

_FENCE = "---"
_OF_THE_FILE = frozenset({"path", "row", "folder", "modified", "size", "suffix"})
"""Names that say where a document comes from; a field of such a name is called ``own_path`` and so on."""


class FrontMatter(NamedTuple):
    """What stands before a text.

    Attributes:
        metadata: Its fields.
        text: The text with empty lines in their place, so that every line keeps its number.
        problem: Why it was left in the text although it looks like fields, or an empty string.
    """

    metadata: Metadata
    text: str
    problem: str = ""


def taken_from(text: str) -> FrontMatter:
    """Return a text's front matter and what follows."""
    lines = text[:LONGEST].split("\n")
    if lines[0].rstrip() != _FENCE:
        return FrontMatter({}, text)
    end = next((at for at, line in enumerate(lines) if at and line.rstrip() in (_FENCE, "...")), None)
    if end is None:
        return FrontMatter({}, text)
    try:
        fields = _fields("\n".join(lines[1:end]))
    except ValueError as error:
        return FrontMatter({}, text, f"front matter: {error}")
    if fields is None:
        return FrontMatter({}, text)
    rest = text[len("\n".join(lines[: end + 1])) :]
    return FrontMatter(fields, "\n" * end + rest)


def _fields(yaml: str) -> Metadata | None:
    """Return the fields, with dates as texts; None where it is something else than names with values.

    Raises:
        ValueError: They are not YAML, or more than JSON can say.
    """
    from retrieverkit_core.yaml_text import read_yaml

    try:
        found = read_yaml(yaml)
    except ConfigError as error:
        raise ValueError(error.message) from None
    if not isinstance(found, dict):
        return {} if found is None else None
    fields: Metadata = {}
    for key, value in found.items():
        name = f"own_{key}" if key in _OF_THE_FILE else str(key)
        if name in fields:
            raise ValueError(f"the key {shorten(name)!r} is given twice")
        fields[name] = _plain(value)
    try:
        json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{error}".splitlines()[0]) from None
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return value
