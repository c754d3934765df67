"""Metadata filters: one tree of them, with one meaning in every mode (`matching` states it)."""

from retrieverkit_core.filters._fields import check_fields
from retrieverkit_core.filters._ids import DOC_ID, NODE_ID, RESERVED_FIELDS, filterable
from retrieverkit_core.filters._matching import Matcher
from retrieverkit_core.filters._operators import FilterCondition, FilterOperator
from retrieverkit_core.filters._split import split_filters
from retrieverkit_core.filters._tree import (
    MAX_DEPTH,
    MAX_LEAVES,
    FiltersLike,
    FilterValue,
    MetadataFilter,
    MetadataFilters,
)
from retrieverkit_core.filters._values import ValueKind, canonical, fields_of, instant, kind_of

__all__ = [
    "DOC_ID",
    "MAX_DEPTH",
    "MAX_LEAVES",
    "NODE_ID",
    "RESERVED_FIELDS",
    "FilterCondition",
    "FilterOperator",
    "FilterValue",
    "FiltersLike",
    "Matcher",
    "MetadataFilter",
    "MetadataFilters",
    "ValueKind",
    "canonical",
    "check_fields",
    "fields_of",
    "filterable",
    "instant",
    "kind_of",
    "split_filters",
]
