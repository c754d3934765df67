"""What is known of the metadata: fields, the kinds of their values, and the values themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["string", "number", "date", "bool"]
Declared = Literal["string", "integer", "float", "number", "boolean", "date", "list[string]"]

_KINDS: dict[Declared, Kind] = {
    "string": "string",
    "integer": "number",
    "float": "number",
    "number": "number",
    "boolean": "bool",
    "date": "date",
    "list[string]": "string",
}
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, in lower case."""
    return tuple(_WORD.findall(text.lower()))


_WITH_E = frozenset(("movies", "cookies", "calories", "pies", "ties"))


def singular(word: str) -> str:
    """Return a word without the endings of plurals, which is enough to compare two words."""
    if len(word) > 4 and word.endswith("ies") and word not in _WITH_E:
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


class MetadataInfo(BaseModel):
    """What is declared of one metadata field.

    Attributes:
        name: The field.
        type: The type of its values.
        description: What the values are, in words.
        values: The values that there are, for a field with few; those of the corpus if None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    type: Declared
    description: str = ""
    values: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class FieldInfo:
    """One metadata field, as far as the nodes in view show it or a declaration says.

    Attributes:
        name: Its name.
        kind: The kind of its values, or of the elements where they are lists.
        lists: Whether some values are lists.
        singles: Whether some values are not lists.
        whole: Whether all numbers are whole ones.
        described: What a declaration says of it.
        values: The strings that there are, with the number of nodes that have each; empty for other kinds, and where
            there are too many.
        is_category: Whether nodes share values of it, so that it sorts them into groups.
        of_files: Whether it is what a folder says of its files: asked for only where its name is said.
    """

    name: str
    kind: Kind
    lists: bool = False
    singles: bool = True
    whole: bool = False
    described: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    is_category: bool = False
    of_files: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name: ``inStock``, ``in_stock`` and ``in-stock`` have two."""
        return words_of(_CAMEL.sub(" ", self.name))

    @cached_property
    def meanings(self) -> frozenset[str]:
        """The words of the name and of the description."""
        return frozenset((*self.words, *words_of(self.described)))


def declared_field(info: MetadataInfo, seen: FieldInfo | None, values_seen: bool) -> FieldInfo:
    """Return a declared field with the values that it may be filtered by.

    Args:
        info: The declaration.
        seen: What the nodes in view show of the field, if they do.
        values_seen: Whether declared values that no node in view has are left out.
    """
    there = dict(seen.values) if seen is not None else {}
    if info.values is None:
        values = there
    else:
        values = {value: there.get(value, 1) for value in info.values if value in there or not values_seen}
    many = info.type == "list[string]"
    return FieldInfo(
        info.name,
        _KINDS[info.type],
        lists=many,
        singles=not many or (seen is not None and seen.singles),
        whole=info.type == "integer",
        described=info.description,
        values=values if _KINDS[info.type] == "string" else {},
        is_category=info.values is not None or (seen is not None and seen.is_category),
    )
