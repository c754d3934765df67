"""Markdown: one document per file, its text as it stands, its front matter as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from retrieverkit.reading import front_matter
from retrieverkit.reading.decoding import decode
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import Parsed, Reader, SourceFile, whole_file

MARKDOWN_SUFFIXES = (".md", ".markdown", ".mdown", ".mkd", ".mdx")

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")


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
    return next((heading for _, heading in _headings(_after_front_matter(text.splitlines()))), "")


def heading_path(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the headings that the last of some lines is below, the outermost first; its own is the last of them."""
    path: list[tuple[int, str]] = []
    for level, heading in _headings(lines):
        path = [*(above for above in path if above[0] < level), (level, heading)]
    return tuple(heading for _, heading in path)


def _headings(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the level and the text of each heading outside of fenced code blocks."""
    fence = before = ""
    for line in lines:
        if fence:
            if line.strip().startswith(fence):
                fence = ""
            continue
        if match := _FENCE.match(line):
            fence = match[1]
        elif (match := _HEADING.match(line)) and (heading := _unclosed(match[2])):
            yield len(match[1]), heading
            before = ""
            continue
        elif before and (match := _UNDERLINE.match(line)):
            yield (1 if match[1].startswith("=") else 2), before
            before = ""
            continue
        before = line.strip()


def _unclosed(heading: str) -> str:
    """Return a heading without the number signs that may close it."""
    heading = heading.strip(" \t")
    shorter = heading.rstrip("#")
    return shorter.rstrip(" \t") if shorter[-1:] in ("", " ", "\t") else heading


def _after_front_matter(lines: list[str]) -> list[str]:
    if lines and lines[0].rstrip() == "---" and "---" in (rest := [line.rstrip() for line in lines[1:]]):
        return lines[rest.index("---") + 2 :]
    return lines


reader = Reader(read_markdown, version=3)
