"""From nodes' metadata to columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.filters import canonical
from retrieverkit_indexing.metadata._column import NO_LISTS, Column, Lists
from retrieverkit_indexing.metadata._dictionary import Dictionary

_SPARSE_BELOW = 0.25
_EMPTY_OBJECT, _OBJECT = "{}", "{…}"


class ColumnsBuilder:
    """Collects the metadata of nodes, key by key."""

    def __init__(self) -> None:
        self._ordinals = array("q")
        self._keys: dict[str, _ColumnBuilder] = {}

    def add(self, ordinal: int, metadata: Mapping[str, Any]) -> None:
        """Take in a node; ordinals come ascending."""
        row = len(self._ordinals)
        self._ordinals.append(ordinal)
        for key, value in metadata.items():
            if value is not None:
                column = self._keys.get(key)
                if column is None:
                    column = self._keys[key] = _ColumnBuilder()
                column.add(row, value)

    def finish(self) -> tuple[NDArray[np.int64], dict[str, Column]]:
        """Return the nodes' ordinals and the columns by key."""
        size = len(self._ordinals)
        return _int64(self._ordinals), {key: column.finish(size) for key, column in self._keys.items()}


class _ColumnBuilder:
    """The values of one key; each distinct one gets a number in the order of appearance."""

    def __init__(self) -> None:
        self._rows = array("i")
        self._numbers = array("i")
        self._known: dict[Any, int] = {}
        self._distinct: list[Any] = []

    def add(self, row: int, value: Any) -> None:
        place = value if type(value) is str else _place(value)
        number = self._known.get(place)
        if number is None:
            number = self._known[place] = len(self._distinct)
            self._distinct.append(value)
        self._rows.append(row)
        self._numbers.append(number)

    def finish(self, size: int) -> Column:
        lists = [value for value in self._distinct if isinstance(value, (list, tuple))]
        singles = [value for value in self._distinct if not isinstance(value, (list, tuple, dict))]
        values = Dictionary.of(singles)
        codes = {_place(value): code for code, value in enumerate(values, 1)}
        codes |= {_place(value): code for code, value in enumerate(lists, values.end)}
        codes[dict, _EMPTY_OBJECT] = values.end + len(lists)
        codes[dict, _OBJECT] = values.end + len(lists) + 1
        of_number = np.array([codes[_place(value)] for value in self._distinct], np.int64)
        found = of_number[np.frombuffer(self._numbers, np.int32)]
        rows: NDArray[np.int32] | None = np.frombuffer(self._rows, np.int32)
        if len(self._rows) >= _SPARSE_BELOW * size:
            dense = np.zeros(size, np.int64)
            dense[rows] = found
            rows, found = None, dense
        return Column(size, rows, found.astype(_smallest(values.end + len(lists) + 1)), values, _lists(lists))


def _place(value: Any) -> Any:
    """Return what is equal for values that filters need not tell apart, and never for others."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return list, canonical(value)[1]
    if isinstance(value, dict):
        return dict, _OBJECT if value else _EMPTY_OBJECT
    return type(value), value


def _lists(lists: list[Any]) -> Lists:
    if not lists:
        return NO_LISTS
    singles = {_place(e): e for one in lists for e in one if e is not None and not isinstance(e, (list, tuple, dict))}
    elements = Dictionary.of(singles.values())
    codes = {_place(value): code for code, value in enumerate(elements, 1)}
    flat = [0 if e is None else codes.get(_place(e), elements.end) for one in lists for e in one]
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(one) for one in lists], out=starts[1:])
    return Lists(starts, np.array(flat, np.int32), elements)


def _smallest(largest: int) -> type[np.unsignedinteger[Any]]:
    return np.uint8 if largest < 1 << 8 else np.uint16 if largest < 1 << 16 else np.uint32


def _int64(values: array[int]) -> NDArray[np.int64]:
    return np.frombuffer(values, np.int64) if values else np.empty(0, np.int64)
