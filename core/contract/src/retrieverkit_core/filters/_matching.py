"""What a filter means: the rule of each operator, compiled to closures over a node's metadata.

The rule, the same in every mode (kinds of value and dates are those of `values`):

- A missing key and a null are the same thing: *no value*.
- ``== v`` holds for a value of the same kind that is equal: numbers exactly (``1 == 1.0``; a bool is not a
  number), dates as instants, strings by code point, lists element by element. ``== null`` holds for no value.
- ``!= v`` is exactly the negation of ``== v``, so it holds for no value too, unless ``v`` is null.
- ``< <= > >=`` hold for a value of the same kind, number, date or string, in that order; never for others.
- ``in [...]`` holds for a value that is ``==`` one of them; ``nin`` is exactly its negation.
- ``contains v`` holds for a list with an element ``== v``.
- ``any [...]`` holds for a list with at least one of the values, ``all [...]`` for a list with every one; a
  single value counts as a list of one, no value and an object as no list. So ``any []`` holds for nothing,
  and ``all []`` for every list and single value.
- ``text_match s`` holds for a string, one that is a date too, with ``s`` inside; ``text_match_insensitive``
  the same after Unicode case folding of both.
- ``is_empty`` holds for no value, ``""``, ``[]`` and ``{}``.
- A nested object is inert: only ``!=``, ``nin`` and, where it is ``{}``, ``is_empty`` hold for it. Keys are
  literal.
- ``and`` holds if every filter does, ``or`` if at least one does, ``not`` if none does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retrieverkit_core.filters._operators import FilterCondition, FilterOperator
from retrieverkit_core.filters._values import canonical, instant

Matcher = Callable[[Mapping[str, Any]], bool]
"""Tells whether metadata passes."""

_ORDER: dict[FilterOperator, Callable[[Any, Any], bool]] = {
    FilterOperator.GT: operator.gt,
    FilterOperator.LT: operator.lt,
    FilterOperator.GTE: operator.ge,
    FilterOperator.LTE: operator.le,
}


def combined(condition: FilterCondition, matchers: Sequence[Matcher]) -> Matcher:
    """Return the matcher of filters under ``condition``."""
    if condition is FilterCondition.NOT:
        return _negated(combined(FilterCondition.OR, matchers))
    if len(matchers) == 1:
        return matchers[0]
    decisive = condition is FilterCondition.OR

    def match(metadata: Mapping[str, Any]) -> bool:
        for matcher in matchers:
            if matcher(metadata) is decisive:
                return decisive
        return not decisive

    return match


def leaf_matcher(key: str, asked: FilterOperator, value: Any) -> Matcher:
    """Return the matcher of one filter whose value has the shape that ``asked`` needs."""
    if asked in _ORDER:
        return _ordered(key, _ORDER[asked], value)
    return _LEAVES[asked](key, value)


def _negated(matcher: Matcher) -> Matcher:
    return lambda metadata: not matcher(metadata)


def _equal(key: str, value: Any) -> Matcher:
    kind, wanted = canonical(value)
    if kind in ("null", "bool"):
        return lambda metadata: metadata.get(key) is value
    if kind == "string":
        return lambda metadata: isinstance(held := metadata.get(key), str) and held == value
    if kind == "number":
        return lambda metadata: (
            isinstance(held := metadata.get(key), (int, float))
            and held is not True
            and held is not False
            and held == value
        )
    return lambda metadata: canonical(metadata.get(key)) == (kind, wanted)


def _ordered(key: str, holds: Callable[[Any, Any], bool], value: Any) -> Matcher:
    if not isinstance(value, str):
        return lambda metadata: (
            isinstance(held := metadata.get(key), (int, float)) and not isinstance(held, bool) and holds(held, value)
        )
    moment = instant(value)
    if moment is None:
        return lambda metadata: (
            isinstance(held := metadata.get(key), str) and holds(held, value) and instant(held) is None
        )
    return lambda metadata: (
        isinstance(held := metadata.get(key), str) and (at := instant(held)) is not None and holds(at, moment)
    )


def _in(key: str, values: Sequence[Any]) -> Matcher:
    wanted = frozenset(map(canonical, values))
    return lambda metadata: canonical(metadata.get(key)) in wanted


def _contains(key: str, value: Any) -> Matcher:
    wanted = canonical(value)

    def match(metadata: Mapping[str, Any]) -> bool:
        kind, elements = canonical(metadata.get(key))
        return kind == "list" and wanted in elements

    return match


def _elements(held: Any) -> Sequence[Any] | None:
    kind, comparable = canonical(held)
    if kind == "list":
        return comparable  # type: ignore[no-any-return]
    return None if kind in ("null", "object") else ((kind, comparable),)


def _any(key: str, values: Sequence[Any]) -> Matcher:
    wanted = frozenset(map(canonical, values))
    return lambda metadata: not wanted.isdisjoint(_elements(metadata.get(key)) or ())


def _all(key: str, values: Sequence[Any]) -> Matcher:
    wanted = frozenset(map(canonical, values))
    return lambda metadata: (held := _elements(metadata.get(key))) is not None and wanted.issubset(held)


def _text(key: str, value: str) -> Matcher:
    return lambda metadata: isinstance(held := metadata.get(key), str) and value in held


def _text_insensitive(key: str, value: str) -> Matcher:
    folded = value.casefold()
    return lambda metadata: isinstance(held := metadata.get(key), str) and folded in held.casefold()


def _empty(key: str, _value: None) -> Matcher:
    def match(metadata: Mapping[str, Any]) -> bool:
        held = metadata.get(key)
        return held is None or (isinstance(held, (str, list, tuple, dict)) and not held)

    return match


_LEAVES: dict[FilterOperator, Callable[[str, Any], Matcher]] = {
    FilterOperator.EQ: _equal,
    FilterOperator.NE: lambda key, value: _negated(_equal(key, value)),
    FilterOperator.IN: _in,
    FilterOperator.NIN: lambda key, values: _negated(_in(key, values)),
    FilterOperator.CONTAINS: _contains,
    FilterOperator.ANY: _any,
    FilterOperator.ALL: _all,
    FilterOperator.TEXT_MATCH: _text,
    FilterOperator.TEXT_MATCH_INSENSITIVE: _text_insensitive,
    FilterOperator.IS_EMPTY: _empty,
}
