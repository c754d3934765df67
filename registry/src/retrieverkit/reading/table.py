"""CSV and TSV: one document per row, columns become metadata."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from retrieverkit.reading.decoding import decode
from retrieverkit.reading.loading import MAX_FILE_BYTES
from retrieverkit.reading.record import ID_FIELDS, MAX_FIELDS, TEXT_FIELDS, TITLE_FIELD, BadRecordError, record_document
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Reader, SourceFile

_DELIMITERS = ",;\t|"
_KEPT_AS_TEXT = frozenset({*ID_FIELDS, *TEXT_FIELDS, TITLE_FIELD})
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False}


def read_table(file: SourceFile, data: bytes) -> Parsed:
    """Return a document for every row that is as long as the header; the other rows are reported by line.

    An empty cell is null. A *column* is boolean, integer or floating point where every cell that is not empty
    is one: ``true``/``false`` in any case, digits without leading zeros, digits with a point or an exponent.
    Every other column is text, and so are the columns of id, title and text: postal codes and version numbers
    stay as they are unless the whole column reads as numbers. A column without a name is ``column_N``.

    Raises:
        ReadError: Two columns share a name, or there are more than `MAX_FIELDS` columns.
        UndecodableError: The file is not text.
    """
    parsed = Parsed([], [])
    rows = _rows(file, decode(data, file.encoding), parsed.errors)
    header = [name.strip() or f"column_{place}" for place, name in enumerate(next(rows, (0, []))[1], start=1)]
    if len(header) > MAX_FIELDS:
        fix = "keep the columns that matter"
        raise ReadError(file.source, f"{len(header):,} columns, more than {MAX_FIELDS:,}", fix=fix)
    if len(set(header)) != len(header):
        twice = Counter(header).most_common(1)[0][0]
        raise ReadError(file.source, f"two columns are called {twice!r}", fix="rename one of them")
    lines, cells = _regular(file, rows, len(header), parsed.errors)
    columns = [_typed(name, [row[place] for row in cells]) for place, name in enumerate(header)]
    for row, (line, values) in enumerate(zip(lines, zip(*columns, strict=True), strict=True), start=1):
        try:
            parsed.documents.append(record_document(file, row, dict(zip(header, values, strict=True))))
        except BadRecordError as error:
            parsed.errors.append(ReadError(file.source, f"line {line}: {error}"))
    return parsed


def _rows(file: SourceFile, text: str, errors: list[ReadError]) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is not blank with the line it begins on; stop where quoting is broken."""
    # The limit belongs to the process; it is only ever raised, as the file itself is limited already.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FILE_BYTES))
    delimiter = "\t" if file.suffix == ".tsv" else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        errors.append(ReadError(file.source, f"line {line}: {error}; from here on the file was not read"))


def _delimiter(text: str) -> str:
    """Return the delimiter that the header uses most outside quotes; a comma where none is used."""
    first = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(_DELIMITERS, key=first.count)


def _regular(
    file: SourceFile, rows: Iterator[tuple[int, list[str]]], width: int, errors: list[ReadError]
) -> tuple[list[int], list[list[str]]]:
    lines, cells = [], []
    for line, row in rows:
        if len(row) == width:
            lines.append(line)
            cells.append(row)
        else:
            errors.append(ReadError(file.source, f"line {line}: {len(row)} cells where the header has {width}"))
    return lines, cells


def _typed(name: str, cells: Sequence[str]) -> list[Any]:
    convert = _converter(name, [cell for cell in cells if cell])
    return [convert(cell) if cell else None for cell in cells]


def _converter(name: str, cells: Sequence[str]) -> Callable[[str], Any]:
    if name in _KEPT_AS_TEXT:
        return str
    if all(cell.lower() in _BOOLEANS for cell in cells):
        return lambda cell: _BOOLEANS[cell.lower()]
    if all(_INTEGER.fullmatch(cell) for cell in cells):
        return int
    if all(_NUMBER.fullmatch(cell) and math.isfinite(float(cell)) for cell in cells):
        return float
    return str


reader = Reader(read_table, version=2)
