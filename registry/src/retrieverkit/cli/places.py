"""Where in its file a hit stands: its lines, and the headings above them.

A line is named only where the file has, at that number, the line that the document has: so it holds for files whose
text is read as it stands, and neither for PDF, HTML and mail nor for a file that was changed since it was read. Of
others the part is named, such as a slide or the row of a sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieverkit.cli.passages import PassageFinder
    from retrieverkit_core.corpus import WritableCorpus
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.nodes import Document

SHOWN_LINES = 3
"""How many lines of a file are shown of a hit."""

_LEGACY = "cp1252"
"""What a file may be decoded as to compare its lines, where it is not UTF-8."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hit stands.

    Attributes:
        path: The absolute path of its file, or None.
        line: The number of the line that answers the query best, from 1; None where no line can be named.
        first: The number of the first line of the hit's text that is not blank, or None.
        last: The number of its last line, or None.
        heading: The headings that the line is below, the outermost first.
        part: The part of the file that it is in, such as ``{"slide": 3}``.
        shown: Up to three lines with their numbers, the best one among them.
        lines: All lines that may be shown around it, by their numbers.
    """

    path: str | None = None
    line: int | None = None
    first: int | None = None
    last: int | None = None
    heading: tuple[str, ...] = ()
    part: Mapping[str, object] = field(default_factory=dict)
    shown: tuple[tuple[int, str], ...] = ()
    lines: dict[int, str] = field(default_factory=dict)

    def around(self, context: int) -> list[tuple[int, str]]:
        """Return the best line with ``context`` lines before and after it, with their numbers."""
        if self.line is None:
            return []
        numbers = range(self.line - context, self.line + context + 1)
        return [(number, self.lines[number]) for number in numbers if number in self.lines]


def places_of(
    corpus: WritableCorpus,
    hits: Sequence[NodeWithScore],
    finder: PassageFinder,
    *,
    whole_lines: bool = True,
    encoding: str | None = None,
) -> list[Place]:
    """Return where each hit stands, in their order.

    Args:
        corpus: What the hits are from.
        hits: The hits.
        finder: Finds the line that answers the query best.
        whole_lines: Whether lines may show text outside of the hit. A scope forbids it.
        encoding: What text is that is not UTF-8.
    """
    sources = corpus.sources_of({doc_id_of(hit) for hit in hits})
    document_of = lru_cache(maxsize=8)(corpus.document)
    file_lines = lru_cache(maxsize=8)(lambda path: _lines_of(path, encoding))
    places = []
    for hit in hits:
        source = sources.get(doc_id_of(hit))
        document = None if source is None else document_of(doc_id_of(hit))
        if source is None or document is None:
            places.append(Place(source))
        else:
            places.append(_place(hit, source, document, file_lines(source), finder, whole_lines))
    return places


def doc_id_of(hit: NodeWithScore) -> str:
    """Return the id of the document that a hit is from."""
    return hit.ref_doc_id or hit.node.id


def _place(
    hit: NodeWithScore,
    source: str,
    document: Document,
    file_lines: Sequence[str],
    finder: PassageFinder,
    whole_lines: bool,
) -> Place:
    text = document.text
    start, end = hit.node.start_char_idx, hit.node.end_char_idx
    if start is None or end is None or not 0 <= start < end <= len(text) or not text[start:end].strip():
        return Place(source)
    own = text[start:end]
    start += len(own) - len(own.lstrip())
    end -= len(own) - len(own.rstrip())
    first = text.count("\n", 0, start) + 1
    last = first + text.count("\n", start, end)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if not _same(lines, file_lines, first, last):
        _, best = finder.best_lines(text[start:end].split("\n"), 1)
        return Place(source, heading=_heading(document, source, first + best, end), part=_part(hit, document, best))
    by_number = dict(enumerate(lines, 1))
    if not whole_lines:
        by_number = dict(enumerate((line.rstrip("\r") for line in text[start:end].split("\n")), first))
    matching = _matching(hit, own, first)
    numbers = [number for number in matching or range(first, last + 1) if by_number.get(number, "").strip()]
    chosen, best = finder.best_lines([by_number[number] for number in numbers], SHOWN_LINES)
    line = numbers[0 if matching else best]
    shown = tuple((numbers[at], by_number[numbers[at]]) for at in chosen)
    heading = _heading(document, source, line, end)
    return Place(source, line, first, last, heading, _part(hit, document, 0), shown, by_number)


def _same(lines: Sequence[str], file_lines: Sequence[str], first: int, last: int) -> bool:
    """Whether the file has these lines; front matter is blank in the document's text."""
    if len(file_lines) < last:
        return False
    pairs = zip(lines[first - 1 : last], file_lines[first - 1 : last], strict=True)
    return all(mine == theirs or not mine.strip() for mine, theirs in pairs)


def _matching(hit: NodeWithScore, own: str, first: int) -> list[int]:
    """Return the lines that a retriever itself says have matched."""
    from retrieverkit.cli.hits import matching_lines

    offset = first - 1 - own[: len(own) - len(own.lstrip())].count("\n")
    return [number + offset for number, _ in matching_lines(hit)]


def _heading(document: Document, source: str, line: int, end: int) -> tuple[str, ...]:
    """Return the headings above a line, or above the end of the hit where the line goes on behind it."""
    from retrieverkit.reading.markdown import MARKDOWN_SUFFIXES, heading_path
    from retrieverkit_core.readers import heading_at, sections_of

    until = min(sum(len(each) + 1 for each in document.text.split("\n")[:line]) - 1, end)
    if sections := sections_of(document):
        return heading_at(sections, until - 1)
    return heading_path([document.text[:until]]) if source.lower().endswith(MARKDOWN_SUFFIXES) else ()


def _part(hit: NodeWithScore, document: Document, line: int) -> Mapping[str, object]:
    """Return what the part of the document is called that a hit is in; ``line`` counts from the hit's first one."""
    from retrieverkit_core.readers import sections_of

    start = hit.node.start_char_idx or 0
    places = [section.place for section in sections_of(document) if section.place and section.start <= start]
    if not places:
        return {}
    row = hit.node.metadata.get("row")
    return {**places[-1], "row": row + line} if "row" in places[-1] and isinstance(row, int) else places[-1]


def _lines_of(path: str, encoding: str | None) -> list[str]:
    """Return the lines that a file has now; none where it cannot be read."""
    from retrieverkit.reading.decoding import UndecodableError, decode
    from retrieverkit.regular_files import read_regular

    try:
        return [line.rstrip("\r") for line in decode(read_regular(Path(path)), encoding or _LEGACY).split("\n")]
    except (OSError, UndecodableError, ValueError):
        return []
