"""Filters as they are written on the command line: as filter text, or as the plain data of one in JSON."""

from __future__ import annotations

import json
from typing import Any

from retrieverkit_core.errors import FilterError, FilterSyntaxError, shorten
from retrieverkit_core.filters import MetadataFilters

_LONGEST = 100_000


def filters_of(text: str) -> MetadataFilters:
    """Return the tree for what was written; a text that begins with ``{`` is JSON, as `MetadataFilters.of` takes it.

    Raises:
        FilterError: It describes no filter.
    """
    if not text.lstrip().startswith("{"):
        return MetadataFilters.parse(text)
    if len(text) > _LONGEST:
        raise FilterError(f"the filter has {len(text)} characters; at most {_LONGEST} are read")
    try:
        written = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refused)
    except json.JSONDecodeError as error:
        problem = f"the filter begins with '{{' and is not JSON: {error.msg}"
        raise FilterSyntaxError(problem, text=text, column=error.pos + 1) from None
    except RecursionError:
        raise FilterError("the filter is nested too deeply") from None
    except ValueError as error:  # a number with thousands of digits
        raise FilterError(f"the filter cannot be read: {shorten(error, 100)}") from None
    if not written:
        raise FilterError("the filter is empty", fix="write true to match every node")
    return MetadataFilters.of(written)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; a key that stands twice would lose a condition."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise FilterError(f"{shorten(repr(twice))} stands twice in the filter", fix="keep one")
    return found


def _refused(constant: str) -> Any:
    raise FilterError(f"{constant} is not JSON", fix="write a number")
