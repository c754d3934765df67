"""Word documents: the body in reading order, notes and comments where they are referred to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, SourceFile
from retrieverkit_office.archive import Archive, safe_parser
from retrieverkit_office.drawings import DRAWN, labels
from retrieverkit_office.properties import described
from retrieverkit_office.text import Text, cells, in_part, said

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_REMOVED = frozenset({f"{_W}del", f"{_W}moveFrom", _FALLBACK})
_NOT_HERE = frozenset({f"{_W}txbxContent"})
_SIGNS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.{}.main+xml"
_KINDS = (
    _MAIN.format("template"),
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
)
_NOTES = {
    f"{_W}footnoteReference": "footnotes",
    f"{_W}endnoteReference": "endnotes",
    f"{_W}commentReference": "comments",
}


def read_word(file: SourceFile, data: bytes) -> Parsed:
    """Return the document with the headings that its paragraphs are below. Macros are not looked at.

    What a tracked change removed is left out. The headers and footers of all pages come once, at the end.

    Raises:
        ReadError: It is not a Word document, is encrypted or damaged, or holds no text.
    """
    archive = Archive(file, data, "Word document")
    title, known = described(archive)
    part = _main_part(archive, data)
    text, errors = Text(), list[ReadError]()
    with in_part(file, errors):
        _Reading(part, text).read()
    return text.parsed(file, title, known, errors)


def _main_part(archive: Archive, data: bytes) -> Any:
    from docx.opc.part import PartFactory
    from docx.package import Package
    from docx.parts.document import DocumentPart

    for kind in _KINDS:
        PartFactory.part_type_for.setdefault(kind, DocumentPart)
    try:
        part: Any = Package.open(BytesIO(data)).main_document_part
    except Exception as error:  # the library raises many kinds on damaged files
        raise archive.refused(_not_word(archive, error), "save it again as .docx") from error
    if not isinstance(part, DocumentPart):
        raise archive.refused(f"not a Word document but {part.content_type}", "check what the file is")
    return part


def _not_word(archive: Archive, error: Exception) -> str:
    if "_rels/.rels" in archive.names and b"purl.oclc.org/ooxml" in archive.member("_rels/.rels"):
        return "saved as Strict Open XML, which is not read"
    return f"not a Word document, or damaged: {str(error)[:200] or type(error).__name__}"


class _Reading:
    """Walks through a document."""

    def __init__(self, part: Any, text: Text) -> None:
        self.text = text
        self._part = part
        self._levels: dict[str | None, int] = {}
        self._notes = {kind: _notes_of(part, kind) for kind in _NOTES.values()}

    def read(self) -> None:
        """Read the body, what its charts and diagrams say, then what stands at the head and foot of pages.

        Raises:
            TooMuchError: There is more than is read.
        """
        self._blocks(self._part.element.body)
        for number, root in enumerate(_related(self._part, *DRAWN)):
            if not number:
                self.text.aside()
            for line in labels(root):
                self.text.line(line)
        seen: set[str] = set()
        for root in _related(self._part, "header", "footer"):
            inner = Text()
            for paragraph in root.iter(f"{_W}p"):
                inner.line(_own_text(paragraph))
            lines = [line for line in inner.lines() if line not in seen]
            if lines and not seen:
                self.text.aside()
            seen.update(lines)
            for line in lines:
                self.text.line(line)

    def _blocks(self, parent: _Element) -> None:
        for block in parent:
            if block.tag == f"{_W}p":
                self._paragraph(block)
            elif block.tag == f"{_W}tbl":
                self._table(block)
            elif block.tag not in _REMOVED:
                self._blocks(block)

    def _paragraph(self, paragraph: _Element) -> None:
        level, text = self._level(paragraph), _own_text(paragraph)
        if level:
            self.text.heading(level, text)
        else:
            self.text.line(text)
        for box in _boxes(paragraph):
            self._blocks(box)
        self._referred(paragraph)

    def _referred(self, element: _Element) -> None:
        """Add the notes and comments that an element refers to."""
        for reference in _references(element):
            found = self._notes[_NOTES[str(reference.tag)]].pop(reference.get(f"{_W}id") or "", "")
            self.text.line(found)

    def _table(self, table: _Element) -> None:
        for row in _rows(table):
            self.text.line(cells(_cell_text(cell) for cell in _cells(row)))
            self._referred(row)

    def _level(self, paragraph: _Element) -> int:
        """Return the level of a heading, or 0."""
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return 0
        own = properties.find(f"{_W}outlineLvl")
        if own is not None:
            return _outline(own)
        style_id = _val(properties, "pStyle")
        if style_id not in self._levels:
            self._levels[style_id] = self._level_of_style(style_id)
        return self._levels[style_id]

    def _level_of_style(self, style_id: str | None) -> int:
        passed: set[str | None] = set()
        while style_id in self._styles and style_id not in passed:
            passed.add(style_id)
            style = self._styles[style_id]
            told = _val(style, "name") or ""
            if match := _HEADING.fullmatch(told):
                return int(match[1])
            if told.lower() == "title":
                return 1
            outline = style.find(f"{_W}pPr/{_W}outlineLvl")
            if outline is not None:
                return _outline(outline)
            style_id = _val(style, "basedOn")
        return 0

    @cached_property
    def _styles(self) -> dict[str | None, _Element]:
        return {style.get(f"{_W}styleId"): style for style in self._part.styles.element.iter(f"{_W}style")}


def _val(element: _Element, name: str) -> str | None:
    """Return the value of a property of an element, None where it has none."""
    found = element.find(f"{_W}{name}")
    return None if found is None else found.get(f"{_W}val")


def _outline(element: _Element) -> int:
    written = element.get(f"{_W}val") or ""
    level = int(written) + 1 if written.isdecimal() and len(written) == 1 else 0
    return level if level < 10 else 0


def _own_text(paragraph: _Element) -> str:
    """Return the text of a paragraph without its text boxes."""
    return "".join(_pieces(paragraph))


def _pieces(element: _Element) -> Iterator[str]:
    for inner in element:
        if inner.tag in (f"{_W}t", _MATH_TEXT):
            yield inner.text or ""
        elif inner.tag in _SIGNS:
            yield _SIGNS[str(inner.tag)]
        elif inner.tag not in _REMOVED and inner.tag not in _NOT_HERE:
            yield from _pieces(inner)


def _boxes(paragraph: _Element) -> Iterator[_Element]:
    """Yield the text boxes of a paragraph, each once."""
    pending = list(paragraph)[::-1]
    while pending:
        element = pending.pop()
        if element.tag in _NOT_HERE:
            yield element
        elif element.tag not in _REMOVED:
            pending += list(element)[::-1]


def _references(element: _Element) -> Iterator[_Element]:
    """Yield what refers to notes and comments, but for what a tracked change removed."""
    for reference in element.iter(*_NOTES):
        if not any(around.tag in _REMOVED for around in reference.iterancestors()):
            yield reference


def _rows(table: _Element) -> Iterator[_Element]:
    yield from (row for row in _found(table, f"{_W}tr") if row.find(f"{_W}trPr/{_W}del") is None)


def _cells(row: _Element) -> Iterator[_Element]:
    for cell in _found(row, f"{_W}tc"):
        merged = cell.find(f"{_W}tcPr/{_W}vMerge")
        removed = cell.find(f"{_W}tcPr/{_W}cellDel") is not None
        if not removed and (merged is None or merged.get(f"{_W}val") == "restart"):
            yield cell


def _found(parent: _Element, tag: str) -> Iterator[_Element]:
    """Yield the rows or cells of a table, also those inside of content controls."""
    for inner in parent:
        if inner.tag == tag:
            yield inner
        elif inner.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}customXml", f"{_W}ins"):
            yield from _found(inner, tag)


def _cell_text(cell: _Element) -> str:
    return "\n".join(_own_text(paragraph) for paragraph in _paragraphs(cell))


def _paragraphs(element: _Element) -> Iterator[_Element]:
    """Yield paragraphs, those of text boxes and inner tables too."""
    for inner in element:
        if inner.tag == f"{_W}p":
            yield inner
            for box in _boxes(inner):
                yield from _paragraphs(box)
        elif inner.tag not in _REMOVED:
            yield from _paragraphs(inner)


def _notes_of(part: Any, kind: str) -> dict[str, str]:
    """Return the text of each note by its id; of a comment with its author."""
    found: dict[str, str] = {}
    for root in _related(part, kind):
        for note in root:
            text = "\n".join(_own_text(paragraph) for paragraph in _paragraphs(note)).strip()
            author = said(note.get(f"{_W}author"))
            note_id = note.get(f"{_W}id") or ""
            if text and note_id not in found:
                found[note_id] = f"{author or 'Comment'}: {text}" if kind == "comments" else text
    return found


def _related(part: Any, *kinds: str) -> Iterator[_Element]:
    """Yield the roots of the parts that a part is related to, in a stable order."""
    from lxml import etree

    related = (each for each in part.rels.values() if not each.is_external)
    for relation in sorted(related, key=lambda each: str(each.target_part.partname)):
        if relation.reltype.rpartition("/")[2] in kinds:
            yield etree.fromstring(relation.target_part.blob, safe_parser())
