"""JSON Lines, one document per line; JSON, one document per object of a list, else plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from retrieverkit.reading.decoding import UndecodableError, decode, marked_encoding
from retrieverkit.reading.record import BadRecordError, record_document
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Reader, SourceFile, whole_file


def read_jsonl(file: SourceFile, data: bytes) -> Parsed:
    """Return a document for every line that holds an object with text; report the other lines by number."""
    parsed = Parsed([], [])
    for row, (number, line) in enumerate(_lines(data), start=1):
        try:
            parsed.documents.append(record_document(file, row, _object(line)))
        except (BadRecordError, UndecodableError) as error:
            parsed.errors.append(ReadError(file.source, f"line {number}: {error}"))
    return parsed


def read_json(file: SourceFile, data: bytes) -> Parsed:
    """Return a document for every object of a list of objects, else the file's text as one document.

    Raises:
        ReadError: The file is not JSON.
        UndecodableError: It is not text.
    """
    text = decode(data, file.encoding)
    try:
        value = parse(text)
    except BadRecordError as error:
        raise ReadError(file.source, str(error)) from None
    if not (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
        return Parsed([whole_file(file, text)], [])
    parsed = Parsed([], [])
    for row, record in enumerate(value, start=1):
        try:
            parsed.documents.append(record_document(file, row, record))
        except BadRecordError as error:
            parsed.errors.append(ReadError(file.source, f"object {row}: {error}"))
    return parsed


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    if marked_encoding(data):
        data = decode(data).encode("utf-8")
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = parse(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UndecodableError(f"not valid UTF-8: byte 0x{line[error.start]:02x}") from None
    if not isinstance(value, dict):
        raise BadRecordError("not a JSON object")
    return value


def parse(text: str) -> Any:
    """Return the value that JSON text has.

    Raises:
        BadRecordError: It is not JSON, or holds a number that is none there.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} " if error.lineno > 1 else ""
        raise BadRecordError(f"bad JSON: {error.msg} ({place}column {error.colno})") from None
    except RecursionError:
        raise BadRecordError("bad JSON: nested too deeply") from None
    except BadRecordError:
        raise
    except ValueError as error:  # an integer of too many digits
        raise BadRecordError(f"bad JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise BadRecordError(f"bad JSON: {name} is not a JSON value")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise BadRecordError(f"bad JSON: the number {digits[:40]} is too large")
    return value


lines_reader = Reader(read_jsonl, version=2)
reader = Reader(read_json, version=2)
