"""A segment: the columns of some nodes in two files that never change.

``<name>.json`` says which arrays there are and where, ``<name>.bin`` holds them. A segment is read into memory whole;
a column is decoded when it is first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.filters import MetadataFilter
from retrieverkit_indexing.metadata._column import NO_LISTS, Column, Lists
from retrieverkit_indexing.metadata._dictionary import Dictionary

_ALIGNED = 8
Place = tuple[int, str, int]
"""Offset in bytes, type, and number of items."""


class Segment:
    """The columns of some nodes.

    Args:
        folder: The folder that `write_segment` wrote into.
        name: The segment's name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._stored = json.loads((folder / f"{name}.json").read_bytes())
        self._data = (folder / f"{name}.bin").read_bytes()
        self.ordinals: NDArray[np.int64] = self._array(self._stored["ordinals"])
        self._columns: dict[str, Column] = {}
        self._no_column = Column(len(self), np.empty(0, np.int32), np.empty(0, np.uint8), NO_LISTS.elements, NO_LISTS)

    def __len__(self) -> int:
        return len(self.ordinals)

    def matching(self, leaf: MetadataFilter) -> NDArray[np.bool_]:
        """Return which of the nodes pass ``leaf``."""
        return self.column(leaf.key).matching(leaf)

    def column(self, key: str) -> Column:
        """Return the column of ``key``, one without any value where no node has the key."""
        column = self._columns.get(key)
        if column is None:
            stored = self._stored["columns"].get(key)
            if stored is None:
                return self._no_column
            column = self._columns[key] = self._decoded(stored)
        return column

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each node's ordinal and metadata, the latter as far as filters can tell."""
        metadata: list[dict[str, Any]] = [{} for _ in range(len(self))]
        for key in self._stored["columns"]:
            column = self._decoded(self._stored["columns"][key])
            of_code = _values_by_code(column)
            rows = range(len(self)) if column.rows is None else column.rows.tolist()
            for row, code in zip(rows, column.codes.tolist(), strict=True):
                if code:
                    metadata[row][key] = of_code[code]
        yield from zip(self.ordinals.tolist(), metadata, strict=True)

    def _decoded(self, stored: Mapping[str, Any]) -> Column:
        lists = NO_LISTS
        if stored["lists"]:
            starts, codes, elements = map(self._array, stored["lists"])
            lists = Lists(starts, codes, Dictionary.from_json(elements.tobytes()))
        rows = None if stored["rows"] is None else self._array(stored["rows"])
        values = Dictionary.from_json(self._array(stored["values"]).tobytes())
        return Column(len(self), rows, self._array(stored["codes"]), values, lists)

    def _array(self, place: Place) -> NDArray[Any]:
        offset, dtype, count = place
        return np.frombuffer(self._data, dtype, count, offset)


def write_segment(folder: Path, name: str, ordinals: NDArray[np.int64], columns: Mapping[str, Column]) -> None:
    """Write a segment into ``folder``."""
    with (folder / f"{name}.bin").open("wb") as file:
        stored = {
            "ordinals": _put(file, ordinals),
            "columns": {key: _put_column(file, column) for key, column in columns.items()},
        }
    (folder / f"{name}.json").write_text(json.dumps(stored, separators=(",", ":")), "utf-8")


def _put_column(file: BinaryIO, column: Column) -> dict[str, Any]:
    lists = column.lists
    parts = (lists.starts, lists.codes, np.frombuffer(lists.elements.to_json(), np.uint8)) if len(lists) else ()
    return {
        "rows": None if column.rows is None else _put(file, column.rows),
        "codes": _put(file, column.codes),
        "values": _put(file, np.frombuffer(column.values.to_json(), np.uint8)),
        "lists": [_put(file, array) for array in parts] or None,
    }


def _put(file: BinaryIO, array: NDArray[Any]) -> Place:
    file.write(bytes(-file.tell() % _ALIGNED))
    offset = file.tell()
    data = array.astype(array.dtype.newbyteorder("<"), copy=False)
    file.write(data.tobytes())
    return offset, data.dtype.str, len(data)


def _values_by_code(column: Column) -> list[Any]:
    lists = column.lists
    elements = [None, *lists.elements, {}]
    bounds = lists.starts.tolist()
    held = [[elements[code] for code in lists.codes[a:b].tolist()] for a, b in pairwise(bounds)]
    return [None, *column.values, *held, {}, {"": None}]
