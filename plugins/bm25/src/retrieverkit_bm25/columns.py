"""Which column of the engine holds the numbers, and which the dates, of which metadata key.

The engine's columns are fixed when an index is made, so there is a supply of them, given out to keys in the order in
which they are met. Keys that come when the supply has run out are *crowded out*: filters that ask for an order on them
are not applied in the engine but by core, on the hits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tantivy

from retrieverkit_core.filters import canonical

NUMBERS = 32
DATES = 16
EXACT = 2**53
"""Below this magnitude every whole number is its own float, so comparing as floats is exact."""

_FILE = "columns.json"
_LARGEST = 1.7976931348623157e308
OrderedKind = Literal["number", "date"]
_SUPPLY: dict[OrderedKind, int] = {"number": NUMBERS, "date": DATES}


class Columns:
    """The columns given out to keys so far."""

    def __init__(self) -> None:
        self._given: dict[OrderedKind, dict[str, int]] = {"number": {}, "date": {}}
        self._crowded: dict[OrderedKind, set[str]] = {"number": set(), "date": set()}

    @classmethod
    def read(cls, folder: Path) -> Columns:
        """Return what `write` stored in ``folder``."""
        stored = json.loads((folder / _FILE).read_text("utf-8"))
        columns = cls()
        for kind in _SUPPLY:
            columns._given[kind] = stored[kind]
            columns._crowded[kind] = set(stored[f"crowded {kind}"])
        return columns

    def write(self, folder: Path) -> None:
        """Store the columns in ``folder`` as a new file."""
        stored: dict[str, Any] = {}
        for kind in _SUPPLY:
            stored[kind] = self._given[kind]
            stored[f"crowded {kind}"] = sorted(self._crowded[kind])
        (folder / _FILE).unlink(missing_ok=True)
        (folder / _FILE).write_text(json.dumps(stored), "utf-8")

    def fill(self, document: tantivy.Document, metadata: Mapping[str, Any]) -> None:
        """Put the numbers and dates of ``metadata`` into the document's columns."""
        for key, value in metadata.items():
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                continue
            kind, comparable = canonical(value)
            if kind == "number" and comparable == comparable:
                column = self._give("number", key)
                if column is not None:
                    document.add_float(number_field(column), as_float(comparable))
            elif kind == "date":
                column = self._give("date", key)
                if column is not None:
                    document.add_integer(date_field(column), comparable)

    def holding(self, kind: OrderedKind, key: str) -> int | None:
        """Return the column of ``key``, or None where it has none."""
        return self._given[kind].get(key)

    def is_crowded_out(self, kind: OrderedKind, key: str) -> bool:
        """Return whether some node's value of ``key`` is in no column."""
        return key in self._crowded[kind]

    def _give(self, kind: OrderedKind, key: str) -> int | None:
        given = self._given[kind]
        column = given.get(key)
        if column is None:
            if len(given) >= _SUPPLY[kind]:
                self._crowded[kind].add(key)
                return None
            column = given[key] = len(given)
        return column


def number_field(column: int) -> str:
    """Return the engine's name of a column of numbers."""
    return f"number{column}"


def date_field(column: int) -> str:
    """Return the engine's name of a column of dates, in microseconds since 1970."""
    return f"date{column}"


def as_float(number: int | float) -> float:
    """Return the nearest float; never -0.0, nor infinite for a whole number."""
    try:
        return float(number) + 0.0
    except OverflowError:
        return _LARGEST if number > 0 else -_LARGEST
