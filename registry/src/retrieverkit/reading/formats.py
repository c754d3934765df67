"""Which reader a file goes to."""

from __future__ import annotations

from collections.abc import Callable

from retrieverkit.reading.finding import SourceFile
from retrieverkit.reading.html_page import read_html
from retrieverkit.reading.json_records import read_json, read_jsonl
from retrieverkit.reading.markdown import MARKDOWN_SUFFIXES, read_markdown
from retrieverkit.reading.parsed import Parsed
from retrieverkit.reading.pdf import read_pdf
from retrieverkit.reading.plain import TEXT_SUFFIXES, read_text
from retrieverkit.reading.table import read_table

Reader = Callable[[SourceFile, bytes], Parsed]

_READERS: dict[str, Reader] = {
    **dict.fromkeys(TEXT_SUFFIXES, read_text),
    **dict.fromkeys(MARKDOWN_SUFFIXES, read_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    **dict.fromkeys((".jsonl", ".ndjson"), read_jsonl),
    **dict.fromkeys((".csv", ".tsv"), read_table),
    ".json": read_json,
    ".pdf": read_pdf,
}

_VERSIONS: dict[Reader, int] = {read_jsonl: 2, read_json: 2, read_table: 2}
"""Of readers that once made other documents of the same bytes: what they made then is read again."""


def reader_for(file: SourceFile) -> Reader | None:
    """Return the reader that claims the file's suffix, or None."""
    return _READERS.get(file.suffix)


def reader_version(file: SourceFile) -> int:
    """Return the version of what a file's reader makes of its bytes."""
    reader = reader_for(file)
    return 1 if reader is None else _VERSIONS.get(reader, 1)
