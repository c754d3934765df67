"""Rows of sheets as lines that can be read, and found by the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, islice

from retrieverkit_office.text import BETWEEN_CELLS, Text, said

LONGEST_GAP = 20
"""Blank rows that stay blank lines; a larger gap begins a new part."""

LONGEST_PART = 30_000
"""Characters after which a new part begins: the row of a place is counted from the beginning of its part."""

_LOOKED_AT = 8
_LONGEST_NAME = 60


class Cell:
    """A cell that is not blank.

    Args:
        text: What it shows.
        is_text: Whether it is a text, and not a number, a date or a truth value.
    """

    __slots__ = ("is_text", "text")

    def __init__(self, text: str, is_text: bool) -> None:
        self.text = said(text) if len(text) < 1_000 else " ".join(text.split())
        self.is_text = is_text


Row = dict[int, Cell]
"""The cells of a row by their columns."""


def read_sheet(text: Text, name: str, rows: Iterable[tuple[int, Row]]) -> None:
    """Add the rows of a sheet, a line each.

    Where the first row with several cells names columns, that is, all of it is text and numbers or dates stand below,
    each cell that follows is preceded by the name of its column.

    Args:
        text: What to add to.
        name: The name of the sheet.
        rows: The number of each row and its cells; blank rows may be left out.

    Raises:
        TooMuchError: It is full.
    """
    filled = ((number, row) for number, row in rows if any(cell.text for cell in row.values()))
    first = list(islice(filled, _LOOKED_AT))
    header, names = _header(first)
    text.part({"sheet": name, "row": first[0][0] if first else 1})
    begun, last = text.size, first[0][0] - 1 if first else 0
    for number, row in chain(first, filled):
        if number - last > LONGEST_GAP:
            names = {}
        if number - last > LONGEST_GAP or text.size - begun > LONGEST_PART:
            text.part({"sheet": name, "row": number})
            begun = text.size
        else:
            for _ in range(number - last - 1):
                text.row()
        text.row(_line(row, names if number > header else {}))
        last = number


def _line(row: Row, names: dict[int, str]) -> str:
    told = []
    for column, cell in sorted(row.items()):
        if cell.text:
            told.append(f"{names[column]}: {cell.text}" if column in names else cell.text)
    return BETWEEN_CELLS.join(told)


def _header(rows: Sequence[tuple[int, Row]]) -> tuple[int, dict[int, str]]:
    """Return the number of the row that names columns and the names by column, or 0 and none."""
    at = next((at for at, (_, row) in enumerate(rows) if len(row) > 1), None)
    if at is None:
        return 0, {}
    number, row = rows[at]
    names = {column: cell.text for column, cell in row.items() if cell.text}
    named = all(cell.is_text for cell in row.values()) and len(set(names.values())) == len(names)
    short = all(len(name) <= _LONGEST_NAME for name in names.values())
    values = any(not cell.is_text for _, below in rows[at + 1 :] for column, cell in below.items() if column in names)
    return (number, names) if named and short and values else (0, {})
