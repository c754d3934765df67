"""Which functions a query may call. None writes, reads files, sleeps, draws random numbers or makes text grow."""

from __future__ import annotations

from enum import Enum

_AGGREGATES = "avg collect count max min sum"
_NEO4J_AGGREGATES = "percentileCont percentileDisc stDev"
_NUMBERS = "abs ceil floor pi round sign sqrt"
_TEXT = "left length lower ltrim right rtrim size substring toLower toUpper trim upper"
_GRAPH = "id labels nodes properties relationships"
_REST = "coalesce nullif range"

_LADYBUG = """
    ceiling cardinality contains ends_with endsWith is_acyclic is_trail label len levenshtein lcase list_any_value
    list_contains list_distinct list_element list_extract list_has list_has_all list_has_any list_max list_min
    list_position list_reverse list_reverse_sort list_slice list_sort list_sum list_unique prefix regexp_full_match
    regexp_matches rels split_part starts_with start_node end_node str_split string_split suffix to_double to_int64
    to_string ucase array_contains array_has
"""
_NEO4J = """
    char_length elementId endNode head isEmpty keys last reverse split startNode
    tail toBoolean toFloat toInteger toString type
"""


def _named(*names: str) -> frozenset[str]:
    return frozenset(name.lower() for name in " ".join((_AGGREGATES, _NUMBERS, _TEXT, _GRAPH, _REST, *names)).split())


class Dialect(Enum):
    """Whose Cypher is written; its value is the functions that it has, by their names in lower case."""

    LADYBUG = _named(_LADYBUG)
    NEO4J = _named(_NEO4J, _NEO4J_AGGREGATES)


AGGREGATES = frozenset(name.lower() for name in f"{_AGGREGATES} {_NEO4J_AGGREGATES}".split())
"""Those that make one row of several."""


PREDICATES = frozenset({"all", "any", "none", "single"})
"""Those that say something of the elements of a list: ``any(x IN list WHERE …)``."""
