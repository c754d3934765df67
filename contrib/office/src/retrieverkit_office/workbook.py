"""Workbooks: sheet by sheet, a line a row."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, SourceFile
from retrieverkit_office.archive import Archive
from retrieverkit_office.drawings import DRAWN, labels, lines
from retrieverkit_office.properties import described
from retrieverkit_office.rows import Cell, Row, read_sheet
from retrieverkit_office.text import Text, TooMuchError, in_part

MOST_CELLS = 2_000_000
"""Cells that are read of one workbook."""

_PREFIX = rb"(?:[\w.-]{1,40}:)?"
_NO_VALUE = re.compile(
    rb"<P?c\b([^<>]*)>\s*<P?f\b[^<>]*(?:/>|>[^<]*</P?f\s*>)\s*(?:<P?v\s*(?:/>|>\s*</P?v\s*>)\s*)?</P?c\s*>".replace(
        b"P?", _PREFIX
    )
)
"""A cell with a formula and no value; where it says that the value is a text, that is blank."""

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_workbook(file: SourceFile, data: bytes) -> Parsed:
    """Return the workbook as one document; each sheet is a part of it, and its lines know their rows.

    Of a formula the value is read that was there when the workbook was saved; a note says how many have none, as in
    what a script wrote. A percentage is read as it is shown. Macros are not looked at.

    Raises:
        ReadError: It is not a workbook, is encrypted or damaged, or holds no text.
    """
    archive = Archive(file, data, "workbook")
    title, known = described(archive)
    text, errors = Text(), list[ReadError]()
    left = [MOST_CELLS]
    names: list[str] = []
    without = 0
    with in_part(file, errors, lambda: f"sheet {names[-1]!r}: " if names else ""):
        for sheet in _sheets(archive, data):
            names.append(str(sheet.title))
            without += _formulas_without_value(archive, sheet)
            read_sheet(text, names[-1], _rows(sheet, left))
            try:
                beside = [told for told in _beside(archive, sheet) if told]
            except ReadError as error:
                beside = []
                errors.append(error)
            if beside:
                text.part({"sheet": names[-1]})
            for told in beside:
                text.line(told)
    return text.parsed(file, title or file.name, {"sheets": names, **known}, errors, without_value=without)


def _sheets(archive: Archive, data: bytes) -> list[Any]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        return list(book.worksheets)
    except Exception as error:  # the library raises many kinds on damaged files
        told = f"not a workbook, or damaged: {str(error)[:200] or type(error).__name__}"
        raise archive.refused(told, "save it again as .xlsx") from error


def _rows(sheet: Any, left: list[int]) -> Iterator[tuple[int, Row]]:
    sheet.reset_dimensions()  # what a file says of its size need not be so
    for cells in sheet.iter_rows():
        row = {cell.column: _cell(cell) for cell in cells if cell.value is not None}
        left[0] -= len(cells) or 1
        if left[0] < 0:
            raise TooMuchError(f"it has more than {MOST_CELLS:,} cells")
        if row:
            yield next(cell.row for cell in cells if cell.value is not None), row


def _formulas_without_value(archive: Archive, sheet: Any) -> int:
    path = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    found = _NO_VALUE.finditer(archive.member(path)) if path in archive.names else ()
    return sum(b't="str"' not in each[1] for each in found)


def _cell(cell: Any) -> Cell:
    value = cell.value
    if isinstance(value, str):
        return Cell(value, is_text=True)
    if isinstance(value, datetime) and value.time() == time():
        return Cell(value.date().isoformat(), is_text=False)
    if isinstance(value, date | time):
        return Cell(value.isoformat(), is_text=False)
    if isinstance(value, bool):
        return Cell(str(value).upper(), is_text=False)
    if isinstance(value, int | float) and "%" in str(cell.number_format):
        return Cell(f"{value * 100:.15g}%", is_text=False)
    return Cell(f"{value:.15g}" if isinstance(value, float) else str(value), is_text=False)


def _beside(archive: Archive, sheet: Any) -> Iterator[str]:
    """Yield the comments on cells, and what text boxes and charts say."""
    for kind, part in _related(archive, str(getattr(sheet, "_worksheet_path", ""))):
        if kind == "comments":
            for comment in archive.xml(part).iter(f"{_MAIN}comment"):
                told = "".join(each.text or "" for each in comment.iter(f"{_MAIN}t"))
                yield f"{comment.get('ref')}: {told}" if told.strip() else ""
        elif kind == "drawing":
            yield from lines(archive.xml(part))
            for inner, drawn in _related(archive, part):
                if inner in DRAWN:
                    yield from labels(archive.xml(drawn))


def _related(archive: Archive, path: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of each member that a member is related to."""
    folder, name = posixpath.split(path.lstrip("/"))
    relations = f"{folder}/_rels/{name}.rels"
    for relation in archive.xml(relations) if relations in archive.names else ():
        target = relation.get("Target") or ""
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
        if part in archive.names:
            yield (relation.get("Type") or "").rpartition("/")[2], part
