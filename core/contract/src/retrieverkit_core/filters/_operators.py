"""The operators of a filter and the ways to combine filters."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from retrieverkit_core.errors import FilterError, near_matches, shorten


class FilterOperator(StrEnum):
    """What a filter asks of a field; `matching` states the rule of each."""

    EQ = "=="
    NE = "!="
    GT = ">"
    LT = "<"
    GTE = ">="
    LTE = "<="
    IN = "in"
    NIN = "nin"
    ANY = "any"
    ALL = "all"
    CONTAINS = "contains"
    TEXT_MATCH = "text_match"
    TEXT_MATCH_INSENSITIVE = "text_match_insensitive"
    IS_EMPTY = "is_empty"


class FilterCondition(StrEnum):
    """How the filters of a tree combine: all match, at least one does, or none does."""

    AND = "and"
    OR = "or"
    NOT = "not"


ORDERING = frozenset({FilterOperator.GT, FilterOperator.LT, FilterOperator.GTE, FilterOperator.LTE})
MEMBERSHIP = frozenset({FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL})
TEXT = frozenset({FilterOperator.TEXT_MATCH, FilterOperator.TEXT_MATCH_INSENSITIVE})

_ELSEWHERE = {
    "=": "==",
    "===": "==",
    "eq": "==",
    "is": "==",
    "<>": "!=",
    "ne": "!=",
    "gt": ">",
    "lt": "<",
    "=>": ">=",
    "gte": ">=",
    "ge": ">=",
    "=<": "<=",
    "lte": "<=",
    "le": "<=",
    "not in": "nin",
    "not_in": "nin",
}
"""What other filter languages call an operator."""


def operator_named(name: Any) -> FilterOperator:
    """Return the operator written ``name``.

    Raises:
        FilterError: There is none; the fix names the nearest.
    """
    try:
        return FilterOperator(name)
    except ValueError:
        raise _unknown("operator", name, list(FilterOperator)) from None


def condition_named(name: Any) -> FilterCondition:
    """Return the condition written ``name``.

    Raises:
        FilterError: There is none; the fix names the nearest.
    """
    try:
        return FilterCondition(name)
    except ValueError:
        raise _unknown("condition", name, list(FilterCondition)) from None


def _unknown(what: str, name: object, known: list[str]) -> FilterError:
    listed = f"{what}s: {' '.join(known)}"
    if not isinstance(name, str):
        return FilterError(f"a filter's {what} is a string, not {type(name).__name__}", fix=listed)
    meant = _ELSEWHERE.get(name.lower().strip())
    near = [meant] if meant else near_matches(name.lower().strip(), known)
    suggestion = f"did you mean {' or '.join(map(repr, map(str, near)))}? " if near else ""
    return FilterError(f"unknown filter {what} {shorten(name)!r}", fix=suggestion + listed)
