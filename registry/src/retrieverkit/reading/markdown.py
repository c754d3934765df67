"""Markdown: one document per file, its text as it stands, its front matter as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from retrieverkit.reading import front_matter
from retrieverkit.reading.decoding import decode
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Reader, SourceFile, whole_file

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx")

_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n(?=[\w\"'-][^:\r\n]*:(?:[ \t]|\r?\n)).{0,65536}?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_LINE = re.compile(r"([^\r\n]*)(?:\r\n?|\n|\Z)")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$")
_QUOTE = re.compile(r" {0,3}>")
_ITEM = re.compile(r"( {0,3}(?:[-+*]|([0-9]{1,9})[.)]))(?:( {1,4})(?=[^ ])| |$)")
_SPECIAL = frozenset("#=-*_`~>+<0123456789")
_HTML_BLOCKS = (
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe legend li link "
    "main menu menuitem nav noframes ol optgroup option p param search section summary table tbody td tfoot th thead "
    "title tr track ul"
)
_NESTED = 16
"""So many quotes and lists within each other are looked into."""

_NO_LINE = re.compile(r"\A[ \t]*\Z")
_ONE_TAG = re.compile(r" {0,3}</?[A-Za-z][A-Za-z0-9-]*(?:[ \t][^<>]*)?/?>[ \t]*$")
_RAW = (
    (re.compile(r" {0,3}<!--"), re.compile("-->")),
    (re.compile(r" {0,3}<\?"), re.compile(r"\?>")),
    (re.compile(r" {0,3}<![A-Za-z]"), re.compile(">")),
    (re.compile(r" {0,3}<!\[CDATA\["), re.compile(r"\]\]>")),
    (
        re.compile(r" {0,3}<(?:pre|script|style|textarea)(?:[ \t>]|$)", re.I),
        re.compile("</(?:pre|script|style|textarea)>", re.I),
    ),
    (re.compile(rf" {{0,3}}</?(?:{'|'.join(_HTML_BLOCKS.split())})(?:[ \t]|/?>|$)", re.I), _NO_LINE),
)
"""What begins HTML that is not read as Markdown, and what ends it (CommonMark 0.31, section 4.6)."""


class Heading(NamedTuple):
    """A heading in a text.

    Attributes:
        start: Offset of its line, or of the first of its lines.
        level: 1 for the outermost, to 6.
        text: What it says.
    """

    start: int
    level: int
    text: str


def read_markdown(file: SourceFile, data: bytes) -> Parsed:
    """Return the file as one document; the title is that of its front matter, else its first heading."""
    matter = front_matter.taken_from(decode(data, file.encoding))
    own = dict(matter.metadata)
    title = own.pop("title", "")
    title = str(title) if isinstance(title, str | int | float) and str(title).strip() else first_heading(matter.text)
    errors = [ReadError(file.source, matter.problem, fix="it was read as text")] if matter.problem else []
    document = whole_file(file, matter.text, title=title)
    document.metadata = {**own, **document.metadata}
    document.excluded_embed_metadata_keys += own
    return Parsed([document], errors)


def first_heading(text: str) -> str:
    """Return the first heading outside a fenced code block and outside front matter, or an empty string."""
    return next((heading.text for heading in headings_in(text)), "")


def heading_path(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the headings that the last of some lines is below, the outermost first; its own is the last of them."""
    path: tuple[Heading, ...] = ()
    for heading in headings_in("\n".join(lines)):
        path = below(path, heading)
    return tuple(heading.text for heading in path)


def below(path: Sequence[Heading], heading: Heading) -> tuple[Heading, ...]:
    """Return the headings that the text behind one is below, from those that the text before it is below."""
    return (*(above for above in path if above.level < heading.level), heading)


def headings_in(text: str) -> Iterator[Heading]:
    """Yield the headings of a Markdown text that have words and are not in code, HTML, quotes or lists."""
    scan = _Scan()
    for match in _LINE.finditer(text, _behind_front_matter(text)):
        heading = scan.heading(match[1], match.start())
        if heading is not None:
            yield heading


class _Scan:
    """Reads a text line by line, as far as it has to be understood to know its headings (CommonMark 0.31)."""

    def __init__(self) -> None:
        self._fence = ""
        self._raw_until: re.Pattern[str] | None = None
        self._paragraph: list[str] = []
        self._begin = 0
        self._in_item = 0  # how far text is indented that belongs to the last item of a list
        self._lazy = False  # whether a line of text would belong to a quote or an item

    def heading(self, line: str, start: int) -> Heading | None:
        """Return the heading that a line is, or makes of the lines before it."""
        if self._fence or self._raw_until is not None:
            self._read_over(line)
            return None
        if not line.strip(" \t"):
            self._close()
            return None
        indent = len(line) - len(line.lstrip(" \t")) if "\t" not in line else _indent(line)
        if self._in_item and indent >= self._in_item:
            inner = line.expandtabs(4)[self._in_item :]
            self._lazy = _ends_in_text(inner) and not (self._lazy and _UNDERLINE.match(inner))
            return None
        if indent < 4 and line.lstrip(" ")[0] in _SPECIAL:
            found, is_text = self._special(line, start)
            if not is_text:
                return found
        if not self._lazy and (self._paragraph or indent < 4):
            self._in_item = 0
            self._begin = self._begin if self._paragraph else start
            self._paragraph.append(line.strip(" \t"))
        return None

    def _special(self, line: str, start: int) -> tuple[Heading | None, bool]:
        """Return the heading, and whether the line is only text in spite of how it begins."""
        if self._paragraph and (match := _UNDERLINE.match(line)):
            words = " ".join(self._paragraph)
            self._close()
            return Heading(self._begin, 1 if match[1] else 2, words), False
        if match := _HEADING.match(line):
            self._close(leave=True)
            words = _unclosed(match[2] or "")
            return (Heading(start, len(match[1]), words) if words else None), False
        if _RULE.match(line):
            self._close(leave=True)
        elif match := _FENCE.match(line):
            self._close(leave=True)
            self._fence = match[1] or match[2]
        elif _QUOTE.match(line):
            self._close(leave=True)
            self._lazy = _ends_in_text(line)
        elif (match := _ITEM.match(line)) and self._begins(match, line):
            self._close()
            self._in_item = len(match[1]) + len(match[3] or " ")
            self._lazy = _ends_in_text(line)
        elif until := self._raw(line):
            self._close(leave=True)
            self._raw_until = None if until.search(line) else until
        else:
            return None, True
        return None, False

    def _begins(self, item: re.Match[str], line: str) -> bool:
        """Whether what looks like an item of a list begins one: within a paragraph, not every line does."""
        return not self._paragraph or (item[2] in (None, "1") and bool(line[item.end() :].strip()))

    def _raw(self, line: str) -> re.Pattern[str] | None:
        """Return what ends the HTML that a line begins; None where it begins none."""
        until = next((until for begins, until in _RAW if begins.match(line)), None)
        if until is None and not self._paragraph and not self._lazy and _ONE_TAG.match(line):
            return _NO_LINE
        return until

    def _close(self, *, leave: bool = False) -> None:
        self._paragraph, self._lazy = [], False
        if leave:
            self._in_item = 0

    def _read_over(self, line: str) -> None:
        if self._raw_until is not None:
            self._raw_until = None if self._raw_until.search(line) else self._raw_until
        else:
            closing = line.strip(" \t")
            if closing.startswith(self._fence) and not closing.strip(self._fence[0]) and _indent(line) < 4:
                self._fence = ""


def _ends_in_text(line: str) -> bool:
    """Whether a line of a quote or a list ends in text that the next line may go on with."""
    for _ in range(_NESTED):
        match = _QUOTE.match(line) or (None if _RULE.match(line) else _ITEM.match(line))
        if match is None:
            break
        line = line[match.end() :].removeprefix(" ")
    is_other = _HEADING.match(line) or _RULE.match(line) or _FENCE.match(line) or _indent(line) >= 4
    return bool(line.strip(" \t")) and not is_other


def _indent(line: str) -> int:
    wide = line.expandtabs(4)
    return len(wide) - len(wide.lstrip(" "))


def _unclosed(heading: str) -> str:
    """Return a heading without the number signs that may close it."""
    heading = heading.strip(" \t")
    shorter = heading.rstrip("#")
    return shorter.rstrip(" \t") if shorter[-1:] in ("", " ", "\t") else heading


def _behind_front_matter(text: str) -> int:
    """Return where the text begins behind front matter."""
    match = _FRONT_MATTER.match(text)
    return match.end() if match else 0


reader = Reader(read_markdown, version=5)
