"""Queries: JSON Lines, or a tab between id and text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_evaluate.lines import bad_line, numbered_lines

_JSON_SUFFIXES = (".jsonl", ".ndjson")
_AS_JSON = 'write lines such as {"_id": "1", "text": "what is asked"}'
_AS_TABLE = "write the id, one tab, and the text; or name the file .jsonl and write JSON"
_HEADER_IDS = ("id", "_id", "qid", "query_id", "query-id")
_HEADER_TEXTS = ("text", "query", "query_text")


def read_queries(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the text of each query by its id, in the order of the file.

    Args:
        path: ``.jsonl`` or ``.ndjson`` with ``_id`` (or ``id``) and ``text`` in each line, other fields are ignored;
            any other name for lines of id, tab and text. Such a file may begin with a header that names both.

    Raises:
        ReadError: The file or a line of it cannot be read, an id comes twice, or there is no query.
    """
    rows = _json_rows(path) if Path(path).suffix.lower() in _JSON_SUFFIXES else _table_rows(path)
    queries: dict[str, str] = {}
    for number, query_id, text in rows:
        if query_id in queries:
            raise bad_line(path, number, f"the query id {shorten(query_id)!r} comes twice", "give each query its own")
        if not query_id.strip() or not text.strip():
            raise bad_line(path, number, "a query needs an id and a text", "complete the line or remove it")
        queries[query_id] = text
    if not queries:
        raise ReadError(path, "no query in it", fix=_AS_JSON)
    return queries


def read_lines_as_queries(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the queries of a file as `read_queries` does, or one per line, numbered from 1, where no line has a tab.

    Raises:
        ReadError: As for `read_queries`.
    """
    if Path(path).suffix.lower() in _JSON_SUFFIXES:
        return read_queries(path)
    lines = [line for _, line in numbered_lines(path)]
    if not lines or any("\t" in line for line in lines):
        return read_queries(path)
    return {str(number): line.strip() for number, line in enumerate(dict.fromkeys(lines), 1)}


def _json_rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise bad_line(path, number, f"bad JSON: {shorten(error)}", _AS_JSON) from error
        if not isinstance(row, dict):
            raise bad_line(path, number, "not a JSON object", _AS_JSON)
        query_id, text = row.get("_id", row.get("id")), row.get("text")
        if isinstance(query_id, bool) or not isinstance(query_id, (str, int)) or not isinstance(text, str):
            raise bad_line(path, number, "no string or integer '_id' (or 'id'), or no string 'text'", _AS_JSON)
        yield number, _sound(path, number, str(query_id)), _sound(path, number, text)


def _table_rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, str, str]]:
    first = True
    for number, line in numbered_lines(path):
        columns = line.split("\t")
        if len(columns) != 2:
            raise bad_line(path, number, f"{len(columns)} columns where 2 are expected", _AS_TABLE)
        query_id, text = columns
        header = first and query_id.lower() in _HEADER_IDS and text.lower() in _HEADER_TEXTS
        first = False
        if not header:
            yield number, query_id, text


def _sound(path: str | os.PathLike[str], number: int, text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise bad_line(path, number, "half a surrogate pair, which is not a character", _AS_JSON) from error
    return text
