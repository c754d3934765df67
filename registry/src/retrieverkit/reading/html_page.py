"""HTML: one document per file, the text that a browser would show outside the navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from retrieverkit.reading.decoding import UndecodableError, decode, marked_encoding
from retrieverkit.reading.html_nesting import excess
from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Metadata
from retrieverkit_core.readers import (
    LONGEST_TITLE,
    Parsed,
    Reader,
    SourceFile,
    sections_below,
    whole_file,
    with_sections,
)

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_HTML_BYTES = 20 * 1024 * 1024

_UNSEEN_TAGS = "script style noscript template nav svg math iframe object head select datalist dialog"
_BLOCK_TAGS = (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr li main ol option p pre section summary table tbody tfoot thead "
    "tr ul"
)
_UNSEEN = frozenset(_UNSEEN_TAGS.split())
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_PARAGRAPHS = frozenset({"p", *_HEADINGS})
_DESCRIBED = frozenset({"author", "date", "description", "keywords"})
"""The names of a page's own description that become metadata."""
_CELLS = frozenset({"td", "th"})
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s{0,5}=\s{0,5}[\"']?([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\r\f]+")
# What browsers read where a page declares the older name (WHATWG Encoding Standard, section 4.2).
_BROWSER_NAMES = {"iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252"}


def read_html(file: SourceFile, data: bytes) -> Parsed:
    """Return the page as one document.

    Raises:
        ReadError: The page is too large, nested too deeply, or shows no text.
        UndecodableError: It is not valid in its declared encoding, nor UTF-8.
    """
    if len(data) > MAX_HTML_BYTES:
        raise ReadError(file.source, f"an HTML page larger than {MAX_HTML_BYTES // (1024 * 1024)} MB")
    try:
        page = _parsed(_decode_page(data, file.encoding))
    except TooDeepError as error:
        fix = "save the text of the page, or a part of it, as a file of its own"
        raise ReadError(file.source, str(error), fix=fix) from None
    text, headings = _shown(page.body) if page.body is not None else ("", [])
    if not text:
        raise ReadError(file.source, "the page shows no text", fix="if scripts write its text, save the page as shown")
    heading = page.css_first("title") or page.css_first("h1")
    title = _SPACE.sub(" ", heading.text()).strip() if heading is not None else ""
    document = whole_file(file, text, title=title, **_described(page))
    return Parsed([with_sections(document, sections_below(headings))], [])


def page_text(source: str) -> str:
    """Return the text that a page shows.

    Raises:
        TooDeepError: It is nested too deeply.
    """
    body = _parsed(source).body
    return "" if body is None else _shown(body)[0]


class TooDeepError(ValueError):
    """A page is nested, or left open, too deeply."""


def _parsed(source: str) -> LexborHTMLParser:
    from selectolax.lexbor import LexborHTMLParser

    if problem := excess(source):
        raise TooDeepError(problem)
    return LexborHTMLParser(source)


def _described(page: LexborHTMLParser) -> Metadata:
    """Return what the page's head says of it."""
    known: Metadata = {}
    for element in page.css("head meta[name][content]"):
        name = (element.attributes["name"] or "").strip().lower()
        value = _SPACE.sub(" ", element.attributes["content"] or "").strip()[:LONGEST_TITLE]
        if name in _DESCRIBED and value:
            known.setdefault(name, value)
    if "keywords" in known:
        known["keywords"] = [word.strip() for word in known["keywords"].split(",") if word.strip()]
    return known


def browser_encoding(name: str) -> str:
    """Return the encoding that browsers read where ``name`` is declared."""
    name = name.lower()
    return _BROWSER_NAMES.get(name, name)


def _decode_page(data: bytes, otherwise: str | None) -> str:
    declared = _CHARSET.search(data[:1024])
    if declared and not marked_encoding(data):
        try:
            text = data.decode(browser_encoding(declared[1].decode("ascii")))
        except (LookupError, UnicodeDecodeError):
            return decode(data, otherwise)
        if "\0" in text:
            raise UndecodableError("a NUL character: not an HTML page")
        return text
    return decode(data, otherwise)


def _shown(body: LexborNode) -> tuple[str, list[tuple[int, int, str]]]:
    """Return the text that is seen, and the offset, level and text of each heading in it."""
    pieces: list[str] = []
    headings: list[tuple[int, int, str]] = []  # the line, the level and the text
    newlines = 0  # asked for by the elements passed since the last text
    line = 0
    begun = -1  # the piece that a heading begins with
    for node, entering, verbatim in _steps(body):
        tag = node.tag or ""
        if tag == "-text":
            text = node.text(deep=False)
            if not verbatim:
                text = _SPACE.sub(" ", text)
                text = text.lstrip(" ") if newlines or not pieces or pieces[-1].endswith((" ", "\t")) else text
            if text:
                pieces.append("\n" * newlines + text)
                line += newlines + text.count("\n")
                newlines = 0
        elif tag == "br":
            newlines = min(2, newlines + entering)
        elif tag in _BLOCKS:
            if tag in _HEADINGS:
                if entering and begun < 0:
                    begun = len(pieces)
                elif not entering and begun >= 0:
                    title = _SPACE.sub(" ", "".join(pieces[begun:])).strip()
                    first = line - "".join(pieces[begun:]).lstrip("\n").count("\n")
                    headings += [(first, int(tag[1]), title)] if title else []
                    begun = -1
            newlines = max(newlines, 2 if tag in _PARAGRAPHS else 1)
        elif tag in _CELLS and not entering and not newlines:
            pieces.append("\t")
    lines = [each.rstrip(" \t") for each in "".join(pieces).split("\n")]
    whole = "\n".join(lines)
    blank = len(whole) - len(whole.lstrip())
    starts = [0, *accumulate(len(each) + 1 for each in lines)]
    return whole.strip(), [(max(starts[first] - blank, 0), level, title) for first, level, title in headings]


def _steps(body: LexborNode) -> Iterator[tuple[LexborNode, bool, bool]]:
    """Yield every visible node when it begins and when it ends, with whether its white space counts."""
    pending = [(body, True, False)]
    while pending:
        node, entering, verbatim = pending.pop()
        if entering and _is_hidden(node):
            continue
        yield node, entering, verbatim
        if entering and node.tag != "-text":
            verbatim = verbatim or node.tag == "pre"
            pending.append((node, False, verbatim))
            pending.extend((child, True, verbatim) for child in reversed(list(node.iter(include_text=True))))


def _is_hidden(node: LexborNode) -> bool:
    return node.tag in _UNSEEN or (node.is_element_node and "hidden" in node.attributes)


reader = Reader(read_html, version=3)
