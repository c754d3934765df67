"""Filters written as text, in the form that `parse` reads."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from retrieverkit_core.filters._operators import FilterCondition, FilterOperator

CONSTANTS = {"null": None, "None": None, "true": True, "True": True, "false": False, "False": False}
"""Names that are values."""

_MOST_DIGITS = 4000
"""Decimal integers longer than some 4300 digits are refused by Python's reader; hexadecimal ones are not."""


def key_text(key: str) -> str:
    """Return ``key`` bare where it is a plain ASCII name or dotted name, else quoted."""
    parts = key.split(".")
    plain = key.isascii() and all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return key if plain and key not in CONSTANTS else repr(key)


def value_text(value: Any) -> str:
    """Return the literal of a filter's value."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(value_text, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _MOST_DIGITS * 3:
        return hex(value)
    return repr(value)


def leaf_text(key: str, asked: FilterOperator, value: Any) -> str:
    """Return one filter as text."""
    if asked is FilterOperator.IS_EMPTY:
        return f"is_empty({key_text(key)})"
    if asked in (FilterOperator.IN, FilterOperator.NIN):
        return f"{key_text(key)} {'in' if asked is FilterOperator.IN else 'not in'} {value_text(value)}"
    if asked.isidentifier():
        return f"{asked}({key_text(key)}, {value_text(value)})"
    return f"{key_text(key)} {asked} {value_text(value)}"


def tree_text(condition: FilterCondition, texts: Sequence[str]) -> str:
    """Return filters under ``condition`` as text; each of ``texts`` has its brackets."""
    if condition is FilterCondition.NOT:
        return f"not ({' or '.join(texts)})" if texts else "true"
    if not texts:
        return "true" if condition is FilterCondition.AND else "false"
    return f" {condition} ".join(texts)
