"""Filters as clauses of the engine, exact by the rules of `retrieverkit_core.filters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tantivy import FieldType, Occur, Query

from retrieverkit_bm25.columns import EXACT, Columns, as_float, date_field, number_field
from retrieverkit_bm25.facets import element_term, full_term, hollow_term, object_term, value_term
from retrieverkit_bm25.schema import FACETS, schema
from retrieverkit_core.filters import (
    RESERVED_FIELDS,
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    canonical,
)

_ORDERING = {FilterOperator.GT, FilterOperator.LT, FilterOperator.GTE, FilterOperator.LTE}
_MANY_TERMS = 256


class NotPushable(Exception):
    """A filter that the engine cannot apply exactly."""


def is_pushable(leaf: MetadataFilter, columns: Callable[[], Columns]) -> bool:
    """Return whether `clause` can apply ``leaf`` on an index with these columns."""
    if leaf.operator in _ORDERING:
        kind, bound = canonical(leaf.value)
        if leaf.key in RESERVED_FIELDS or (kind == "number" and abs(bound) >= EXACT):
            return False
        return (kind == "number" or kind == "date") and not columns().is_crowded_out(kind, leaf.key)
    return leaf.operator in _LEAVES


def clause(tree: MetadataFilters, columns: Columns) -> Query:
    """Return the query of the nodes that pass ``tree``.

    Raises:
        NotPushable: A filter in it is not `is_pushable`.
    """
    parts = [
        clause(child, columns) if isinstance(child, MetadataFilters) else _leaf(child, columns)
        for child in tree.filters
    ]
    if tree.condition is FilterCondition.AND:
        return Query.boolean_query([(Occur.Must, part) for part in parts]) if parts else Query.all_query()
    if tree.condition is FilterCondition.OR:
        return _either(parts)
    return _not(_either(parts))


def _leaf(leaf: MetadataFilter, columns: Columns) -> Query:
    if not is_pushable(leaf, lambda: columns):
        raise NotPushable(str(leaf))
    if leaf.operator in _ORDERING:
        return _ordered(leaf, columns)
    return _LEAVES[leaf.operator](leaf.key, leaf.value)


def _ordered(leaf: MetadataFilter, columns: Columns) -> Query:
    kind, bound = canonical(leaf.value)
    column = columns.holding(kind, leaf.key)  # type: ignore[arg-type]
    if column is None:
        return Query.empty_query()
    field, type_ = (
        (number_field(column), FieldType.Float) if kind == "number" else (date_field(column), FieldType.Integer)
    )
    bound = as_float(bound) if kind == "number" else bound
    inclusive = leaf.operator in (FilterOperator.GTE, FilterOperator.LTE)
    if leaf.operator in (FilterOperator.GT, FilterOperator.GTE):
        return Query.range_query(schema(), field, type_, lower_bound=bound, include_lower=inclusive)
    return Query.range_query(schema(), field, type_, upper_bound=bound, include_upper=inclusive)


def _equal(key: str, value: Any) -> Query:
    if value is None:
        return _not(_has_value(key))
    return _any_term([value_term(key, value)])


def _in(key: str, values: Iterable[Any]) -> Query:
    values = list(values)
    found = _any_term(value_term(key, value) for value in values if value is not None)
    return _either([found, _equal(key, None)]) if None in values else found


def _contains(key: str, value: Any) -> Query:
    return _any_term([element_term(key, value)])


def _any(key: str, values: Iterable[Any]) -> Query:
    values = list(values)
    terms = [element_term(key, value) for value in values]
    return _any_term([*terms, *(value_term(key, value) for value in values if value is not None)])


def _all(key: str, values: Iterable[Any]) -> Query:
    values = list(values)
    if not values:
        return Query.boolean_query([(Occur.Must, _has_value(key)), (Occur.MustNot, _any_term([object_term(key)]))])
    return Query.boolean_query([(Occur.Must, _any(key, [value])) for value in values])


def _empty(key: str, _value: None) -> Query:
    return _not(_any_term([full_term(key)]))


_LEAVES: dict[FilterOperator, Callable[[str, Any], Query]] = {
    FilterOperator.EQ: _equal,
    FilterOperator.NE: lambda key, value: _not(_equal(key, value)),
    FilterOperator.IN: _in,
    FilterOperator.NIN: lambda key, values: _not(_in(key, values)),
    FilterOperator.CONTAINS: _contains,
    FilterOperator.ANY: _any,
    FilterOperator.ALL: _all,
    FilterOperator.IS_EMPTY: _empty,
}


def _has_value(key: str) -> Query:
    return _any_term([full_term(key), hollow_term(key)])


def _any_term(terms: Iterable[str | None]) -> Query:
    given = list(dict.fromkeys(term for term in terms if term is not None))
    if len(given) > _MANY_TERMS:
        return Query.term_set_query(schema(), FACETS, given)
    return _either([Query.term_query(schema(), FACETS, term, index_option="basic") for term in given])


def _either(parts: list[Query]) -> Query:
    if not parts:
        return Query.empty_query()
    return parts[0] if len(parts) == 1 else Query.boolean_query([(Occur.Should, part) for part in parts])


def _not(part: Query) -> Query:
    return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, part)])
