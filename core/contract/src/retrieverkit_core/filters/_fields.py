"""Checking a tree against the fields that a corpus is known to have.

- A key that no node has is an error, also where no node has any. The reserved names of ids are known always.
- Each value of a filter must be of a kind that its field holds. This goes for every operator, the negative
  ones too: a value that never occurs by its kind is a slip, not a question. A date and another string are of
  two kinds.
- ``contains`` asks for the kind among the elements of lists, ``any`` and ``all`` among elements and single
  values, ``==`` and ``!=`` with a list for lists; ``text_match`` and its twin ask for strings or dates.
- Nulls and ``is_empty`` fit every known field, and every filter fits a field that so far holds only null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrieverkit_core.errors import FilterTypeError, UnknownFieldError, shorten
from retrieverkit_core.filters._ids import RESERVED_FIELDS
from retrieverkit_core.filters._operators import TEXT, FilterOperator
from retrieverkit_core.filters._text import key_text, leaf_text
from retrieverkit_core.filters._tree import MetadataFilter, MetadataFilters
from retrieverkit_core.filters._values import ValueKind, instant, kind_of

_NOUNS: dict[str, tuple[str, str]] = {
    "null": ("null", "nulls"),
    "bool": ("a bool", "bools"),
    "number": ("a number", "numbers"),
    "date": ("a date", "dates"),
    "string": ("a string", "strings"),
    "list": ("a list", "lists"),
    "object": ("an object", "objects"),
}
_SINGLE = ("bool", "number", "date", "string")


def check_fields(tree: MetadataFilters, fields: Mapping[str, frozenset[str]], *, told: bool = True) -> None:
    """Check that every filter of ``tree`` can have something to match.

    Args:
        tree: What is asked.
        fields: The kinds that each field holds, as `fields_of` names them; empty where no node has metadata.
        told: Whether messages may say which fields there are and what they hold: not to who sees a part of the nodes.

    Raises:
        UnknownFieldError: A key is in no node; it names the near matches.
        FilterTypeError: A value is of a kind that the field never holds.
    """
    known = {**fields, **RESERVED_FIELDS}
    for leaf in tree.leaves():
        if leaf.key not in known:
            raise UnknownFieldError(leaf.key, known=fields if told else None)
        try:
            _check_kinds(leaf, known[leaf.key])
        except FilterTypeError:
            if told:
                raise
            raise UnknownFieldError(leaf.key) from None


def _check_kinds(leaf: MetadataFilter, held: frozenset[str]) -> None:
    if leaf.operator is FilterOperator.IS_EMPTY or held <= {"null"}:
        return
    if leaf.operator in TEXT:
        if held.isdisjoint(("string", "date")):
            raise _type_error(leaf, leaf.value, held)
        return
    compares_lists = leaf.operator in (FilterOperator.EQ, FilterOperator.NE) and isinstance(leaf.value, tuple)
    if compares_lists and "list" not in held:
        raise _type_error(leaf, leaf.value, held)
    for value in leaf.value if isinstance(leaf.value, tuple) else (leaf.value,):
        if value is not None and held.isdisjoint(_places(leaf.operator, kind_of(value), compares_lists)):
            raise _type_error(leaf, value, held)


def _places(asked: FilterOperator, kind: ValueKind, compares_lists: bool) -> tuple[str, ...]:
    if asked is FilterOperator.CONTAINS or compares_lists:
        return (f"list[{kind}]",)
    if asked in (FilterOperator.ANY, FilterOperator.ALL):
        return (kind, f"list[{kind}]")
    return (kind,)


def _type_error(leaf: MetadataFilter, value: Any, held: frozenset[str]) -> FilterTypeError:
    inner = [_NOUNS[kind][1] for kind in _NOUNS if f"list[{kind}]" in held]
    kinds = [_NOUNS[kind][1] for kind in _NOUNS if kind in held and kind != "null"]
    holds = " and ".join(kinds).replace("lists", f"lists of {' and '.join(inner)}" if inner else "empty lists")
    shown = shorten(repr(list(value) if isinstance(value, tuple) else value))
    message = f"field {shorten(leaf.key)!r} holds {holds}; {shown} is {_NOUNS[kind_of(value)][0]}"
    meant = _meant(leaf, value, held)
    if meant is None and kind_of(value) in ("string", "date") and leaf.operator in TEXT:
        message = f"field {shorten(leaf.key)!r} holds {holds}; {leaf.operator} asks for strings"
    if leaf.operator is FilterOperator.CONTAINS and not inner:
        message = f"field {shorten(leaf.key)!r} holds {holds}; contains asks for lists"
    return FilterTypeError(message, fix=f"write {shorten(meant)}" if meant else f"compare with {holds}")


def _meant(leaf: MetadataFilter, value: Any, held: frozenset[str]) -> str | None:
    """Return the filter that was probably meant, as text."""
    kind = kind_of(value)
    if f"list[{kind}]" in held and leaf.operator is FilterOperator.EQ:
        return leaf_text(leaf.key, FilterOperator.CONTAINS, value)
    if leaf.operator is FilterOperator.CONTAINS and kind in held:
        return leaf_text(leaf.key, FilterOperator.TEXT_MATCH if kind == "string" else FilterOperator.EQ, value)
    if leaf.operator in TEXT and "list[string]" in held:
        return leaf_text(leaf.key, FilterOperator.CONTAINS, value)
    other = _converted(value, held)
    if other is None or leaf.operator in TEXT:
        return None
    if not isinstance(leaf.value, tuple):
        return leaf_text(leaf.key, leaf.operator, other)
    return f"{key_text(leaf.key)} with {other!r} in place of {value!r}"


def _converted(value: Any, held: frozenset[str]) -> Any:
    """Return ``value`` as another kind that the field holds, or None where it cannot be said."""
    kinds = {kind for kind in _SINGLE if kind in held or f"list[{kind}]" in held}
    if isinstance(value, str):
        if "bool" in kinds and value.lower() in ("true", "false"):
            return value.lower() == "true"
        return _number(value) if "number" in kinds else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if "date" in kinds and instant(f"{value:04}-01-01") is not None:
        return f"{value:04}-01-01"
    return str(value) if "string" in kinds and abs(value) < 10**18 else None


def _number(text: str) -> int | float | None:
    if not text.isascii() or len(text) > 40:
        return None
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        return number if abs(number) < float("inf") else None
    return None
