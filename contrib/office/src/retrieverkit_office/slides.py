"""Presentations: slide by slide, with the notes of the speaker."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, SourceFile
from retrieverkit_office.archive import Archive, safe_parser
from retrieverkit_office.drawings import DRAWN, labels, lines
from retrieverkit_office.properties import described
from retrieverkit_office.text import Text, cells, in_part, said

if TYPE_CHECKING:
    from lxml.etree import _Element

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SHOW = "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml"
_SMALL_PRINT = frozenset({"ftr", "hdr"})
_COUNTERS = frozenset({"sldNum", "dt"})


def read_slides(file: SourceFile, data: bytes) -> Parsed:
    """Return the presentation as one document; each slide is a part of it, below its title. Macros are not looked at.

    What stands at the foot of every slide comes once, with the first slide that has it.

    Raises:
        ReadError: It is not a presentation, is encrypted or damaged, or holds no text.
    """
    archive = Archive(file, data, "presentation")
    title, known = described(archive)
    text, errors, number = Text(), list[ReadError](), 0
    seen: set[str] = set()
    with in_part(file, errors, lambda: f"slide {number}: "):
        for number, slide in enumerate(_slides(archive, data), start=1):
            _read_slide(text, number, slide, seen)
    return text.parsed(file, title, {"slides": number, **known}, errors)


def _slides(archive: Archive, data: bytes) -> Iterator[Any]:
    from pptx.opc.package import PartFactory
    from pptx.package import Package
    from pptx.parts.presentation import PresentationPart

    PartFactory.part_type_for.setdefault(_SHOW, PresentationPart)
    try:
        part = Package.open(BytesIO(data)).main_document_part
        is_presentation = isinstance(part, PresentationPart)
        slides = part.presentation.slides if is_presentation else ()
    except Exception as error:  # the library raises many kinds on damaged files
        told = f"not a presentation, or damaged: {str(error)[:200] or type(error).__name__}"
        raise archive.refused(told, "save it again as .pptx") from error
    if not is_presentation:
        raise archive.refused(f"not a presentation but {part.content_type}", "check what the file is")
    yield from slides


def _read_slide(text: Text, number: int, slide: Any, seen: set[str]) -> None:
    tree = slide.shapes._spTree
    shapes = list(_shapes(tree))
    titles = [shape for shape in shapes if _role(shape) in ("title", "ctrTitle")]
    title = " ".join(said(line) for shape in titles for line in lines(shape))
    text.part({"slide": number}, title)
    for shape in [*titles, *(shape for shape in shapes if shape not in titles)]:
        kind = _role(shape)
        if kind in _COUNTERS:
            continue
        new = [line for line in _all_lines(slide, shape) if kind not in _SMALL_PRINT or line not in seen]
        if kind in _SMALL_PRINT:
            seen.update(new)
        for line in new:
            text.line(line)
    for line in _comments(slide):
        text.line(line)
    if slide.has_notes_slide:
        for shape in _shapes(slide.notes_slide.shapes._spTree):
            if _role(shape) == "body":
                for line in lines(shape):
                    text.line(line)


def _shapes(parent: _Element) -> Iterator[_Element]:
    """Yield what holds text on a slide, in the order of the file; groups are opened."""
    for element in parent:
        if element.tag in (f"{_P}grpSp", f"{_MC}AlternateContent", f"{_MC}Choice"):
            yield from _shapes(element)
        elif element.tag in (f"{_P}sp", f"{_P}graphicFrame", f"{_P}cxnSp", f"{_P}pic"):
            yield element


def _role(shape: _Element) -> str:
    found = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return "" if found is None else found.get("type", "obj")


def _all_lines(slide: Any, shape: _Element) -> Iterator[str]:
    """Yield the lines of a shape; of a table its rows, of a chart or diagram what it is labelled with."""
    rows = list(shape.iter(f"{_A}tr"))
    if rows:
        for row in rows:
            yield cells("\n".join(lines(cell)) for cell in row.iter(f"{_A}tc"))
        return
    yield from lines(shape)
    if shape.tag == f"{_P}graphicFrame":
        for element in shape.iter():
            for name, value in element.attrib.items():
                if str(name).rpartition("}")[2] in ("id", "dm") and value in slide.part.rels:
                    yield from _labels(slide.part.rels[value])


def _labels(relation: Any) -> Iterator[str]:
    from lxml import etree

    if not relation.is_external and relation.reltype.rpartition("/")[2] in DRAWN:
        yield from labels(etree.fromstring(relation.target_part.blob, safe_parser()))


def _comments(slide: Any) -> Iterator[str]:
    from lxml import etree

    for relation in slide.part.rels.values():
        if not relation.is_external and relation.reltype.rpartition("/")[2] == "comments":
            root = etree.fromstring(relation.target_part.blob, safe_parser())
            yield from (f"Comment: {each.text}" for each in root.iter(f"{_P}text") if each.text)
            yield from (f"Comment: {line}" for line in lines(root))
