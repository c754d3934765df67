"""A brute-force oracle for metadata filters, and strategies that make metadata and trees for it.

The oracle is written from the rules alone (``docs/reference/filters.md``), slowly and plainly, and shares no code
with what it judges. It reads trees as plain data, in the form of ``MetadataFilters.model_dump(mode="json")``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from retrieverkit_core.filters import FilterOperator, MetadataFilters

Tree = dict[str, Any]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Settings for a property test that must not fail because the machine is busy."""

_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"([T ](?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,6}))?)?"
    r"(Z|(?P<sign>[+-])(?P<off_hour>\d\d)(:?(?P<off_minute>\d\d))?)?)?",
    re.ASCII,
)


_KINDS: dict[type, str] = {bool: "bool", int: "number", float: "number", type(None): "null"}


def oracle_matches(tree: Tree, metadata: dict[str, Any]) -> bool:
    """Return whether metadata passes a tree or a single filter, both plain data."""
    if "filters" not in tree:
        return _leaf(metadata.get(tree["key"]), tree.get("operator", "=="), tree.get("value"))
    matched = [oracle_matches(child, metadata) for child in tree["filters"]]
    condition = tree.get("condition", "and")
    if condition == "and":
        return False not in matched
    return (True in matched) if condition == "or" else (True not in matched)


def _leaf(held: Any, operator: str, asked: Any) -> bool:
    if operator == "!=":
        return not _leaf(held, "==", asked)
    if operator == "nin":
        return not _leaf(held, "in", asked)
    if operator == "==":
        if isinstance(asked, (list, tuple)):
            return (
                isinstance(held, list)
                and len(held) == len(asked)
                and all(_same(h, a) for h, a in zip(held, asked, strict=True))
            )
        return _same(held, asked)
    if operator == "in":
        return any(_same(held, one) for one in asked)
    if operator in ("<", "<=", ">", ">="):
        return _in_order(held, operator, asked)
    if operator == "contains":
        return isinstance(held, list) and any(_same(element, asked) for element in held)
    if operator in ("any", "all"):
        if held is None or isinstance(held, dict):
            return False
        elements = held if isinstance(held, list) else [held]
        found = [any(_same(element, one) for element in elements) for one in asked]
        return any(found) if operator == "any" else all(found)
    if operator == "text_match":
        return isinstance(held, str) and held.find(asked) >= 0
    if operator == "text_match_insensitive":
        return isinstance(held, str) and held.casefold().find(asked.casefold()) >= 0
    if operator == "is_empty":
        return held is None or held == "" or held == [] or held == {}
    raise AssertionError(f"the oracle does not know {operator}")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string" if _seconds(value) is None else "date"
    return _KINDS.get(type(value), "inert")


def _same(held: Any, asked: Any) -> bool:
    kind = _kind(asked)
    if kind != _kind(held) or kind == "inert":
        return False
    if kind == "date":
        return _seconds(held) == _seconds(asked)
    if kind == "number":
        return Fraction(held) == Fraction(asked)
    return bool(held == asked)


def _in_order(held: Any, operator: str, asked: Any) -> bool:
    kind = _kind(asked)
    if kind != _kind(held) or kind not in ("number", "date", "string"):
        return False
    comparable: dict[str, Any] = {
        "number": Fraction,
        "date": _seconds,
        "string": lambda s: [ord(c) for c in s],
    }
    left, right = comparable[kind](held), comparable[kind](asked)
    if operator in ("<=", ">=") and left == right:
        return True
    return bool(left < right if operator[0] == "<" else left > right)


@lru_cache(maxsize=10_000)
def _seconds(text: str) -> Fraction | None:
    """Return the seconds from the year 1 to the date in ``text``, or None where it is not one."""
    read = _DATE.fullmatch(text)
    if read is None:
        return None
    part = {name: int(digits) for name, digits in read.groupdict("0").items() if name not in ("sign", "fraction")}
    try:
        days = date(part["year"], part["month"], part["day"]).toordinal()
    except ValueError:
        return None
    if part["hour"] > 23 or part["minute"] > 59 or part["second"] > 59:
        return None
    if part["off_hour"] > 23 or part["off_minute"] > 59:
        return None
    east = (part["off_hour"] * 60 + part["off_minute"]) * (-60 if read["sign"] == "-" else 60)
    whole = ((days * 24 + part["hour"]) * 60 + part["minute"]) * 60 + part["second"] - east
    digits = read["fraction"] or "0"
    return whole + Fraction(int(digits), 10 ** len(digits))


KEYS = (
    "year",
    "tags",
    "a.b",
    "a b",
    "content-type",
    "it's",
    'say "hi"',
    "x[0]",
    "back\\slash",
    "",
    "clé",
    "ﬁeld",
    "字段",
    "null",
    "class",
    "contains",
    "new\nline",
)
"""Field names with everything in them that a query language may trip over."""

DATES = (
    "2024-01-05",
    "2024-01-05T00:00:00Z",
    "2024-01-05 00:00",
    "2024-01-05T01:00:00+01:00",
    "2024-01-04T23:00:00.000-0100",
    "2024-01-05T00:00:00.000001",
    "2024-02-29",
    "1969-12-31T23:59:59.999999+00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
)
NOT_DATES = (
    "20240105",
    "2024-W01-5",
    "2024-13-45",
    "2023-02-29",
    "2024-01",
    "2024-01-05T24:00:00",
    "2024-01-05T10",
    "2024-01-05T00:00:00.0000001",
    "2024-01-05T00:00:00+24:00",
    "2024-01-05\n",
    " 2024-01-05",
    "0000-01-01",
    "２０２４-01-05",
    "2024-01-05t00:00z",
)
_WORDS = (
    "",
    "a",
    "A",
    "ab",
    "ß",
    "SS",
    "ss",
    "İ",
    "é",
    "e\u0301",
    "𝒳",
    "\uffff",
    "1",
    "1.0",
    "true",
    "null",
    "x' or 'y",
    "\x00",
)
_NUMBERS = (
    0,
    1,
    -1,
    1960,
    2**53,
    2**53 + 1,
    2**63,
    -(2**64),
    10**400,
    0.0,
    -0.0,
    1.0,
    0.1,
    1e-300,
    1e308,
    float(2**53),
)

_CHARACTERS = st.characters(exclude_categories=["Cs"])
"""What ``st.text`` draws from too: half a surrogate pair is not a character. It takes over a second to find that out
by trying to encode each of them, in every process that keeps none of hypothesis's files."""


def scalars() -> st.SearchStrategy[Any]:
    """Return the values that filters and metadata share: often equal, or nearly, by chance."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(_NUMBERS),
        st.integers(-3, 3),
        st.floats(allow_nan=False, allow_infinity=False),
        texts(),
    )


def texts() -> st.SearchStrategy[str]:
    """Return strings: dates, what only looks like one, words that fold or normalise, and any."""
    any_text = st.text(_CHARACTERS, max_size=4)
    return st.one_of(st.sampled_from(DATES), st.sampled_from(NOT_DATES), st.sampled_from(_WORDS), any_text)


def keys() -> st.SearchStrategy[str]:
    """Return field names, mostly the same few so that filters find their fields."""
    return st.one_of(*[st.sampled_from(KEYS[:3])] * 3, st.sampled_from(KEYS))


def metadatas() -> st.SearchStrategy[dict[str, Any]]:
    """Return metadata that is inert JSON: missing keys, nulls, mixed kinds, lists and nested objects."""
    nested = st.one_of(scalars(), st.lists(scalars(), max_size=2), st.dictionaries(keys(), scalars(), max_size=2))
    values = st.one_of(scalars(), scalars(), st.lists(nested, max_size=4), st.dictionaries(keys(), nested, max_size=2))
    return st.dictionaries(keys(), values, max_size=6)


def leaves(operators: Iterable[str] = FilterOperator) -> st.SearchStrategy[Tree]:
    """Return single filters that use ``operators``, as plain data."""
    several = st.lists(scalars(), max_size=4)
    values: dict[str, st.SearchStrategy[Any]] = {
        "==": st.one_of(scalars(), scalars(), several),
        "!=": st.one_of(scalars(), scalars(), several),
        "contains": scalars(),
        "text_match": texts(),
        "text_match_insensitive": texts(),
        "is_empty": st.none(),
        **dict.fromkeys(("in", "nin", "any", "all"), several),
    }
    ordered = scalars().filter(lambda value: value is not None and not isinstance(value, bool))
    return st.one_of(
        [
            st.fixed_dictionaries({"key": keys(), "operator": st.just(str(name)), "value": values.get(name, ordered)})
            for name in operators
        ]
    )


def plain_trees(operators: Iterable[str] = FilterOperator) -> st.SearchStrategy[Tree]:
    """Return trees nested under and, or and not, as plain data."""
    used = tuple(operators)

    def under(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.fixed_dictionaries(
            {"condition": st.sampled_from(["and", "or", "not"]), "filters": st.lists(children, max_size=3)}
        )

    return under(st.recursive(leaves(used), under, max_leaves=8))


def filter_trees(operators: Iterable[str] = FilterOperator) -> st.SearchStrategy[MetadataFilters]:
    """Return trees as a query takes them; ``model_dump(mode="json")`` gives what the oracle reads."""
    return plain_trees(operators).map(MetadataFilters.model_validate)
