"""A judging sheet: a table that a spreadsheet opens, with a column to fill in.

Its columns are ``query_id``, ``query``, ``grade``, ``document``, ``title`` and ``excerpt``. Rows are in an order that
does not show which mode found them. A cell that a spreadsheet would take for a formula has a ``'`` in front, which is
taken away when the sheet is read.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from retrieverkit.reading import load_regular
from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_evaluate.lines import bad_line
from retrieverkit_evaluate.qrels_file import is_grade

COLUMNS = ("query_id", "query", "grade", "document", "title", "excerpt")
_NEEDED = COLUMNS[:4]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_DELIMITERS = "\t;,"
_FIX = "write a sheet with: retriever eval init QUERIES --index FOLDER"


@dataclass(frozen=True, slots=True)
class Row:
    """A document that some mode found for a query.

    Attributes:
        query_id: The query's id.
        query: Its text.
        document: The document's id.
        title: Its title, or an empty string.
        excerpt: The part of it that answers best.
    """

    query_id: str
    query: str
    document: str
    title: str
    excerpt: str


@dataclass(slots=True)
class Sheet:
    """What a sheet says once it is filled in.

    Attributes:
        queries: The text of each query by its id.
        qrels: The grades by query id and document id.
        without_grade: How many rows have no grade.
    """

    queries: dict[str, str] = field(default_factory=dict)
    qrels: dict[str, dict[str, int]] = field(default_factory=dict)
    without_grade: int = 0


def write_sheet(path: Path, rows: Iterable[Row]) -> None:
    """Write a new sheet: commas where the name ends with ``.csv``, else tabs.

    Raises:
        FileExistsError: The file is there; somebody may have filled it in.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="," if path.suffix.lower() == ".csv" else "\t", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (row.query_id, row.query, "", row.document, row.title, row.excerpt)
        writer.writerow([_guarded(cell) for cell in cells])
    with path.open("xb") as file:
        file.write(b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "backslashreplace"))


def in_no_order(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of each query in an order that has nothing to do with who found them."""
    by_query: dict[str, list[Row]] = {}
    for row in rows:
        by_query.setdefault(row.query_id, []).append(row)
    return [row for of_query in by_query.values() for row in sorted(of_query, key=_place)]


def read_sheet(path: str | os.PathLike[str]) -> Sheet:
    """Return what a filled sheet says.

    Args:
        path: The sheet, with tabs, commas or semicolons, in UTF-8 or UTF-16, as spreadsheets save it. Columns may
            stand in another order, and there may be more.

    Raises:
        ReadError: The file or a row cannot be read, or there is no grade in it.
    """
    sheet = Sheet()
    for number, (query_id, query, grade, document) in _rows(path):
        if not query_id and not document:
            continue
        if not query_id or not document or not query.strip():
            raise bad_line(path, number, "a row needs a query_id, a query and a document", "complete it or remove it")
        if sheet.queries.setdefault(query_id, query) != query:
            problem = f"query {shorten(query_id)!r} has another text above"
            raise bad_line(path, number, problem, "give each query one text")
        if not grade:
            sheet.without_grade += 1
            continue
        if not is_grade(grade):
            problem = f"the grade {shorten(grade)!r} is not an integer"
            raise bad_line(path, number, problem, "write 0 for not relevant, 1 or more for relevant")
        judged = sheet.qrels.setdefault(query_id, {})
        if judged.setdefault(document, int(grade)) != int(grade):
            problem = f"document {shorten(document)!r} has another grade for query {shorten(query_id)!r} above"
            raise bad_line(path, number, problem, "keep one of the two")
    if not sheet.qrels:
        raise ReadError(path, "no row of the sheet has a grade", fix="fill the column grade in: 0, 1 or more")
    return sheet


def _rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    text = _text(path)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    places: list[int] = []
    try:
        for cells in reader:
            if not places:
                names = [cell.strip().lower() for cell in cells]
                if missing := [name for name in _NEEDED if name not in names]:
                    raise ReadError(path, f"it has no column {missing[0]!r}", fix=_FIX)
                places = [names.index(name) for name in _NEEDED]
            elif any(cell.strip() for cell in cells):
                padded = [*cells, *[""] * (max(places) + 1 - len(cells))]
                query_id, query, grade, document = (_unguarded(padded[place]) for place in places)
                yield reader.line_num, [query_id, query, grade.strip(), document]
    except csv.Error as error:
        raise bad_line(path, reader.line_num, str(error), _FIX) from error
    if not places:
        raise ReadError(path, "it is empty", fix=_FIX)


def _text(path: str | os.PathLike[str]) -> str:
    data = load_regular(path)
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(path, "it is not UTF-8", fix="save it as CSV UTF-8") from error


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _place(row: Row) -> bytes:
    return blake2b(f"{row.query_id}\0{row.document}".encode("utf-8", "surrogatepass")).digest()
