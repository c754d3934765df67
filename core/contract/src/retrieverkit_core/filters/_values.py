"""The kinds of value that metadata and filters hold, and the form in which values compare.

Values of different kinds are never equal and never in order. A *date* is a string written as an ISO 8601 date
``YYYY-MM-DD``, alone or with a time ``HH:MM[:SS[.ffffff]]`` behind ``T`` or a space and an offset ``Z`` or
``±HH[[:]MM]`` behind that; without an offset it is UTC. Every other string, such as ``20240101`` or
``2024-W01-5``, is just a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

ValueKind = Literal["null", "bool", "number", "date", "string", "list", "object"]

_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(text: str) -> int | None:
    """Return the microseconds from 1970-01-01 UTC to the date in ``text``, or None where it is not a date."""
    if len(text) < 10 or text[4] != "-" or text[7] != "-" or not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def kind_of(value: Any) -> ValueKind:
    """Return the kind of a metadata or filter value."""
    return canonical(value)[0]


def canonical(value: Any) -> tuple[ValueKind, Any]:
    """Return the kind of ``value`` and a form in which values of that kind compare.

    Two values are equal to a filter exactly if their canonical forms are equal; numbers, dates and strings
    are ordered as their second parts are. The forms are hashable. Lists and objects inside a list are inert,
    as every object is: their second part is None, and no filter value equals them.

    Args:
        value: Inert JSON. Anything else is taken for an object.

    Returns:
        ``("number", 1)``, ``("date", microseconds since 1970 UTC)``, ``("list", canonical elements)`` etc.
    """
    if isinstance(value, str):
        moment = instant(value)
        return ("string", value) if moment is None else ("date", moment)
    if isinstance(value, (list, tuple)):
        return "list", tuple(map(_element, value))
    return _element(value)


def _element(value: Any) -> tuple[ValueKind, Any]:
    if value is None:
        return "null", None
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, (int, float)):
        return "number", value
    if isinstance(value, str):
        return canonical(value)
    return ("list" if isinstance(value, (list, tuple)) else "object"), None


def fields_of(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each key of ``metadata`` with the kind of its value.

    A list gives its key several times: with ``"list"`` and, for each kind among its elements,
    ``"list[kind]"``.
    """
    for key, value in metadata.items():
        kind, elements = canonical(value)
        yield key, kind
        if kind == "list":
            for inner in sorted({inner for inner, _ in elements}):
                yield key, f"list[{inner}]"
