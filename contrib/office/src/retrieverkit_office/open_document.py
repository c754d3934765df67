"""OpenDocument: texts, presentations and sheets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Metadata
from retrieverkit_core.readers import Parsed, SourceFile
from retrieverkit_office.archive import Archive
from retrieverkit_office.properties import moment
from retrieverkit_office.rows import Cell, Row, read_sheet
from retrieverkit_office.text import Text, cells, in_part, said

if TYPE_CHECKING:
    from lxml.etree import _Element

_NS = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_OFFICE, _TEXT, _TABLE, _DRAW, _STYLE, _META, _MANIFEST, _PRESENTATION = (
    _NS % name for name in ("office", "text", "table", "drawing", "style", "meta", "manifest", "presentation")
)
_DC = "{http://purl.org/dc/elements/1.1/}"
_REMOVED = frozenset(
    {f"{_TEXT}tracked-changes", f"{_TABLE}tracked-changes", f"{_OFFICE}forms", f"{_TEXT}note-citation", f"{_DC}date"}
)
_ASIDE = frozenset({f"{_TEXT}note", f"{_OFFICE}annotation", f"{_DRAW}text-box"})
_REPEATED_ROWS, _REPEATED_COLUMNS = f"{_TABLE}number-rows-repeated", f"{_TABLE}number-columns-repeated"
_VALUES = ("string-value", "date-value", "time-value", "boolean-value", "value")
_MOST_REPEATED = 1_000
"""How often a row or cell that is not blank is repeated at most."""


def read_open_document(file: SourceFile, data: bytes) -> Parsed:
    """Return the text, the presentation or the sheets as one document.

    Slides and sheets are parts of it; paragraphs of a text are below its headings. What a tracked change removed is
    left out. The headers and footers of pages come once, at the end.

    Raises:
        ReadError: It is not an OpenDocument, is encrypted or damaged, or holds no text.
    """
    archive = Archive(file, data, "OpenDocument")
    if "content.xml" not in archive.names:
        raise archive.refused("not an OpenDocument", "check what the file is")
    manifest = "META-INF/manifest.xml"
    if manifest in archive.names and _is_encrypted(archive.xml(manifest)):
        raise archive.refused("encrypted with a password", "save it without a password")
    body = archive.xml("content.xml").find(f"{_OFFICE}body")
    if body is None:
        raise archive.refused("not an OpenDocument: it has no body", "check what the file is")
    title, known = _described(archive)
    text, errors = Text(), list[ReadError]()
    reading = _Reading(text)
    with in_part(file, errors):
        reading.body(body)
        _small_print(archive, text)
    return text.parsed(file, title, known, errors, without_value=reading.without)


def _is_encrypted(manifest: _Element) -> bool:
    return next(manifest.iter(f"{_MANIFEST}encryption-data"), None) is not None


def _described(archive: Archive) -> tuple[str, Metadata]:
    if "meta.xml" not in archive.names:
        return "", {}
    root = archive.xml("meta.xml").find(f"{_OFFICE}meta")
    if root is None:
        return "", {}
    return said(root.findtext(f"{_DC}title")), {
        "author": said(root.findtext(f"{_META}initial-creator") or root.findtext(f"{_DC}creator")),
        "subject": said(root.findtext(f"{_DC}subject")),
        "keywords": [word for each in root.iter(f"{_META}keyword") if (word := said(each.text))],
        "created": moment(root.findtext(f"{_META}creation-date")),
        "saved": moment(root.findtext(f"{_DC}date")),
    }


def _small_print(archive: Archive, text: Text) -> None:
    if "styles.xml" not in archive.names:
        return
    lines: dict[str, None] = {}
    for frame in archive.xml("styles.xml").iter(f"{_STYLE}header", f"{_STYLE}footer"):
        lines.update(dict.fromkeys(said(_own_text(each)) for each in frame.iter(f"{_TEXT}p")))
    if any(lines):
        text.aside()
    for line in lines:
        text.line(line)


class _Reading:
    """Walks through a body."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self.without = 0
        """Formulas that no value was saved of."""

        self._slide = 0

    def body(self, body: _Element) -> None:
        """Read everything.

        Raises:
            TooMuchError: There is more than is read.
        """
        for kind in body:
            sheets = kind.tag == f"{_OFFICE}spreadsheet"
            for block in kind:
                if sheets and block.tag == f"{_TABLE}table":
                    self._sheet(block)
                else:
                    self._block(block)

    def _sheet(self, sheet: _Element) -> None:
        name = said(sheet.get(f"{_TABLE}name"))
        read_sheet(self._text, name, _sheet_rows(sheet))
        self.without += sum(map(_lacks_value, sheet.iter(f"{_TABLE}table-cell")))
        beside = [*sheet.iter(f"{_OFFICE}annotation"), *sheet.iterfind(f"{_TABLE}shapes")]
        if beside:
            self._text.part({"sheet": name})
        for block in beside:
            self._block(block)

    def _block(self, block: _Element) -> None:
        if block.tag == f"{_DRAW}page":
            self._slide += 1
            self._text.part({"slide": self._slide}, _title(block))
        if block.tag == f"{_TEXT}h":
            written = block.get(f"{_TEXT}outline-level") or ""
            self._text.heading(int(written) if written in "123456789" and written else 1, _own_text(block))
            self._asides(block)
        elif block.tag == f"{_TEXT}p":
            self._text.line(_own_text(block))
            self._asides(block)
        elif block.tag == f"{_TABLE}table":
            for _, row in _sheet_rows(block):
                self._text.line(cells(cell.text for _, cell in sorted(row.items())))
            for comment in block.iter(f"{_OFFICE}annotation"):
                self._block(comment)
        elif block.tag not in _REMOVED:
            for inner in block:
                self._block(inner)

    def _asides(self, element: _Element) -> None:
        """Add the notes, comments and text boxes of a paragraph."""
        for inner in element:
            if inner.tag in _ASIDE:
                for block in inner:
                    self._block(block)
            elif inner.tag not in _REMOVED:
                self._asides(inner)


def _title(page: _Element) -> str:
    for frame in page.iter(f"{_DRAW}frame"):
        if frame.get(f"{_PRESENTATION}class") == "title":
            return said(" ".join(_own_text(each) for each in frame.iter(f"{_TEXT}p", f"{_TEXT}h")))
    return ""


def _own_text(element: _Element) -> str:
    """Return the text of a paragraph without its notes, comments and text boxes."""
    return (element.text or "") + "".join(_pieces(element))


def _pieces(element: _Element) -> Iterator[str]:
    for inner in element:
        if inner.tag == f"{_TEXT}s":
            written = inner.get(f"{_TEXT}c") or "1"
            yield " " * (min(int(written), 100) if written.isdecimal() and len(written) < 9 else 1)
        elif inner.tag == f"{_TEXT}tab":
            yield "\t"
        elif inner.tag == f"{_TEXT}line-break":
            yield "\n"
        elif isinstance(inner.tag, str) and inner.tag not in _REMOVED and inner.tag not in _ASIDE:
            yield _own_text(inner)
        yield inner.tail or ""


def _sheet_rows(table: _Element) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a table that are not blank with their numbers."""
    number = 1
    for element in _rows(table):
        row = _row(element)
        times = _times(element, _REPEATED_ROWS)
        for at in range(min(times, _MOST_REPEATED) if row else 0):
            yield number + at, row
        number += times


def _rows(table: _Element) -> Iterator[_Element]:
    for inner in table:
        if inner.tag == f"{_TABLE}table-row":
            yield inner
        elif inner.tag in (f"{_TABLE}table-header-rows", f"{_TABLE}table-rows", f"{_TABLE}table-row-group"):
            yield from _rows(inner)


def _row(element: _Element) -> Row:
    row: Row = {}
    column = 1
    for inner in element:
        if inner.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        times = _times(inner, _REPEATED_COLUMNS)
        told = "\n".join(map(_own_text, _paragraphs(inner))).strip() or _value(inner)
        if told.strip():
            is_text = inner.get(f"{_OFFICE}value-type", "string") == "string"
            row |= {column + at: Cell(told, is_text) for at in range(min(times, _MOST_REPEATED))}
        column += times
    return row


def _paragraphs(cell: _Element) -> Iterator[_Element]:
    """Yield the paragraphs of a cell, those of its comments left out."""
    for inner in cell:
        if inner.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            yield inner
        if inner.tag != f"{_OFFICE}annotation" and inner.tag not in _REMOVED:
            yield from _paragraphs(inner)


def _value(cell: _Element) -> str:
    """Return the value of a cell of which a program did not save how it is shown."""
    return next((told for name in _VALUES if (told := cell.get(f"{_OFFICE}{name}"))), "")


def _lacks_value(cell: _Element) -> bool:
    if cell.get(f"{_TABLE}formula") is None or cell.get(f"{_OFFICE}value-type") is not None:
        return False
    return not _value(cell) and next(_paragraphs(cell), None) is None


def _times(element: _Element, name: str) -> int:
    written = element.get(name) or "1"
    return int(written) if written.isdecimal() and len(written) < 9 else 1
