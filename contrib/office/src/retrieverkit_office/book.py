"""Books in EPUB: chapter by chapter in reading order."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_core.nodes import Metadata
from retrieverkit_core.readers import Parsed, SourceFile
from retrieverkit_office.archive import Archive, safe_parser
from retrieverkit_office.properties import moment
from retrieverkit_office.text import Text, cells, in_part, said

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF = "{http://www.idpf.org/2007/opf}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
_ENCRYPTED = "{http://www.w3.org/2001/04/xmlenc#}CipherReference"
_XHTML = "{http://www.w3.org/1999/xhtml}"
_PAGE_SUFFIXES = (".xhtml", ".html", ".htm", ".xml")
_PAGE_KINDS = frozenset({"application/xhtml+xml", "text/html"})
_BLOCK_TAGS = (
    "address article aside blockquote body caption dd details div dl dt figcaption figure footer header hr li main ol "
    "p pre section summary table tbody td tfoot th thead ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_UNSEEN = frozenset({"head", "script", "style", "template", "svg", "math"})
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]{0,1000}(\[.{0,10000}?\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
_KEPT = frozenset({"amp", "lt", "gt", "quot", "apos"})


def read_book(file: SourceFile, data: bytes) -> Parsed:
    """Return the book as one document; each chapter is a part of it, and its paragraphs are below their headings.

    Raises:
        ReadError: It is not a book, is protected or damaged, or holds no text.
    """
    archive = Archive(file, data, "book in EPUB")
    package_name = _package_name(archive)
    package = archive.xml(package_name)
    title, known = _described(package)
    chapters = _chapters(package, posixpath.dirname(package_name))
    protected = _protected(archive)
    if any(path in protected for path in chapters):
        raise archive.refused("protected against copying (DRM)", "only its own program can read it")
    labels = _labels(archive, package, posixpath.dirname(package_name))
    text, errors = Text(), list[ReadError]()
    with in_part(file, errors):
        for number, path in enumerate(chapters, start=1):
            try:
                page, whole = _page(archive, path)
            except ReadError as error:
                told = error.message.removeprefix(f"{shorten(file.source, 200)}: ")
                errors.append(ReadError(file.source, f"chapter {number}: {told}"))
                continue
            if not whole:
                errors.append(ReadError(file.source, f"chapter {number}: read in part: {path} is damaged"))
            _Reading(text).chapter(page, number, labels.get(path) or _first_heading(page))
    return text.parsed(file, title, {"chapters": len(chapters), **known}, errors)


class _Item(NamedTuple):
    """A file of a book, as its package says."""

    path: str
    properties: str
    kind: str


def _package_name(archive: Archive) -> str:
    if "META-INF/container.xml" not in archive.names:
        raise archive.refused("not a book in EPUB", "check what the file is")
    root = next(archive.xml("META-INF/container.xml").iter(f"{_CONTAINER}rootfile"), None)
    name = None if root is None else root.get("full-path")
    if not name:
        raise archive.refused("damaged: it does not say where its contents are")
    return str(name)


def _described(package: _Element) -> tuple[str, Metadata]:
    def all_of(name: str) -> list[str]:
        return [told for each in package.iter(f"{_DC}{name}") if (told := said(each.text))]

    return next(iter(all_of("title")), ""), {
        "author": ", ".join(all_of("creator")),
        "subject": ", ".join(all_of("subject")),
        "language": next(iter(all_of("language")), ""),
        "publisher": next(iter(all_of("publisher")), ""),
        "created": next((told for each in all_of("date") if (told := moment(each))), ""),
    }


def _items(package: _Element, folder: str) -> dict[str, _Item]:
    """Return each item by its id."""
    return {
        item.get("id") or "": _Item(
            _path(folder, item.get("href") or ""), item.get("properties") or "", item.get("media-type") or ""
        )
        for item in package.iter(f"{_OPF}item")
    }


def _chapters(package: _Element, folder: str) -> list[str]:
    items = _items(package, folder)
    named = [items[name] for each in package.iter(f"{_OPF}itemref") if (name := each.get("idref") or "") in items]
    pages = (item for item in named if item.kind in _PAGE_KINDS or item.path.lower().endswith(_PAGE_SUFFIXES))
    return list(dict.fromkeys(item.path for item in pages))


def _path(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _protected(archive: Archive) -> frozenset[str]:
    name = "META-INF/encryption.xml"
    if name not in archive.names:
        return frozenset()
    return frozenset(unquote(each.get("URI") or "") for each in archive.xml(name).iter(_ENCRYPTED))


def _labels(archive: Archive, package: _Element, folder: str) -> dict[str, str]:
    """Return what the table of contents calls each file, where there is one."""
    labels: dict[str, str] = {}
    for path, properties, _ in _items(package, folder).values():
        if path not in archive.names:
            continue
        try:
            if path.endswith(".ncx"):
                for point in archive.xml(path).iter(f"{_NCX}navPoint"):
                    content = point.find(f"{_NCX}content")
                    label = said(point.findtext(f"{_NCX}navLabel/{_NCX}text"))
                    target = "" if content is None else content.get("src") or ""
                    labels.setdefault(_path(posixpath.dirname(path), target), label)
            elif "nav" in properties.split():
                for link in _page(archive, path)[0].iter(f"{_XHTML}a", "a"):
                    target = _path(posixpath.dirname(path), link.get("href") or "")
                    labels.setdefault(target, said("".join(map(str, link.itertext()))))
        except ReadError:  # chapters are called by their headings then
            continue
    return labels


def _page(archive: Archive, path: str) -> tuple[_Element, bool]:
    """Return a page, and whether all of it could be read."""
    from lxml import etree

    source = _decoded(archive.member(path))
    source = _DECLARATION.sub("", _DOCTYPE.sub("", source, count=1))
    source = _ENTITY.sub(_character, source)
    try:
        return etree.fromstring(source.encode(), safe_parser()), True
    except etree.XMLSyntaxError:
        parser = safe_parser(recover=True)
        page = etree.fromstring(source.encode(), parser)
    if page is None:
        raise archive.refused(f"damaged: {path} is not a page")
    return page, False


def _decoded(data: bytes) -> str:
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    declared = re.search(rb"<\?xml[^>]{0,200}encoding=[\"'](iso-8859-1|windows-1252)", data[:400], re.IGNORECASE)
    encoding = "utf-16" if marked else "cp1252" if declared else "utf-8-sig"
    return data.decode(encoding, "replace")


def _character(match: re.Match[str]) -> str:
    return match[0] if match[1] in _KEPT else html.unescape(match[0])


def _first_heading(page: _Element) -> str:
    for element in page.iter(*(f"{prefix}h{level}" for prefix in (_XHTML, "") for level in range(1, 7))):
        if told := said(" ".join(map(str, element.itertext()))):
            return told
    return ""


class _Reading:
    """Walks through a page."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._line: list[str] = []

    def chapter(self, page: _Element, number: int, name: str) -> None:
        """Add a page as a chapter.

        Raises:
            TooMuchError: The book is full.
        """
        self._text.part({"chapter": number}, name)
        self._element(page)
        self._end()

    def _element(self, element: _Element) -> None:
        tag = _name(element)
        if tag in _UNSEEN:
            return
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self._end()
            self._text.heading(int(tag[1]), " ".join(self._texts(element)))
            return
        if tag == "tr":
            self._end()
            self._text.line(cells(" ".join(self._texts(cell)) for cell in element if _name(cell) in ("td", "th")))
            return
        block = tag in _BLOCKS
        if block or tag == "br":
            self._end()
        self._line.append(_flat(element.text, tag))
        for inner in element:
            self._element(inner)
            self._line.append(_flat(inner.tail, tag))
        if block:
            self._end()

    def _texts(self, element: _Element) -> Iterator[str]:
        yield element.text or "" if _name(element) not in _UNSEEN else ""
        for inner in element:
            yield from self._texts(inner)
            yield inner.tail or ""

    def _end(self) -> None:
        self._text.line("".join(self._line))
        self._line = []


def _flat(text: str | None, tag: str) -> str:
    if not text:
        return ""
    return text if tag == "pre" else re.sub(r"[ \t\r\n]+", " ", text)


def _name(element: _Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else "script"
