"""What a reader of files is: a function from the bytes of one file to its documents.

A package declares one per suffix, in the entry-point group ``retrieverkit.readers``; the name is the suffix without its
dot, in lower case::

    [project.entry-points."retrieverkit.readers"]
    docx = "retrieverkit_office.docx:reader"
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePath
from typing import Any, NamedTuple

from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Document, Metadata

FILE_FACTS = frozenset({"folder", "modified", "size", "suffix"})
"""Metadata that every document read from a file of its own has: what the folder says of it, not what it says itself."""

LONGEST_TITLE = 1_000
"""A title is kept with every node: a heading of a megabyte would be stored a thousand times."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that documents come from.

    Attributes:
        source: The resolved absolute path with forward slashes: the file's identity from one run to the next.
        path: The same below the base folder without that folder, so that it is the same on another machine. It begins
            the ids of what is read from the file, and no two files have the same.
        encoding: What text is read as that says no encoding and is not UTF-8; None where such text is refused.
    """

    source: str
    path: str
    encoding: str | None = None

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot."""
        return PurePath(self.source).suffix.lower()

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePath(self.source).name


class Parsed(NamedTuple):
    """What a reader makes of one file.

    Attributes:
        documents: Its documents. The id of the only one is the file's ``path``; those of several begin with it.
        errors: What in it could not be read, such as a page; the rest goes in.
        notes: What the caller should know although everything was read.
    """

    documents: list[Document]
    errors: list[ReadError]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Where in the text of a document something begins; it goes on until the next section does.

    Attributes:
        start: The offset of its first character.
        heading: The headings that it is below, the outermost first; its own is the last of them.
        place: What the part of the document that begins here is called, such as ``{"slide": 3}``. No node has text of
            two such parts, and each node has the place of its part in its metadata. A ``row`` is that of the part's
            first line, and every line is a row. Empty where the part before goes on.
    """

    start: int
    heading: tuple[str, ...] = ()
    place: Metadata = field(default_factory=dict)


LONGEST_HEADING = 200
"""Characters of a heading that are kept beside the text."""

MOST_HEADINGS = 10_000
"""Headings of a document that are kept beside the text."""

SECTIONS = "sections"
"""The metadata field of a document that its sections are kept in; nodes do not have it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of files.

    Attributes:
        read: Makes documents of a file's bytes. It raises `ReadError` where it cannot; anything else that it raises is
            reported as its own defect, and the other files are read.
        version: Raised whenever other documents are made of the same bytes: what was read before is read again.
        apart: Whether it runs in a process of its own that is ended where it takes too much time or memory, as parsers
            do that a hostile file may hold up. ``read`` is a function at the top of its module then.
    """

    read: Callable[[SourceFile, bytes], Parsed]
    version: int = 1
    apart: bool = False


def whole_file(file: SourceFile, text: str, *, title: str = "", **metadata: Any) -> Document:
    """Return the one document that a file is; only its title is searched beside the text.

    Args:
        file: The file.
        text: Its text.
        title: Its title; the file's name where it has none.
        **metadata: What else is known of it, as JSON.
    """
    known: Metadata = {**metadata, "path": file.path, "title": title[:LONGEST_TITLE] or file.name}
    return Document(
        text, id=file.path, metadata=known, excluded_embed_metadata_keys=[key for key in known if key != "title"]
    )


def with_sections(document: Document, sections: Sequence[Section]) -> Document:
    """Say where the sections of a document begin.

    Args:
        document: The document; it is changed, and returned.
        sections: Its sections in order.
    """
    if sections:
        document.metadata[SECTIONS] = [_as_json(section) for section in sections]
        document.excluded_embed_metadata_keys = [*document.excluded_embed_metadata_keys, SECTIONS]
        document.excluded_llm_metadata_keys = [*document.excluded_llm_metadata_keys, SECTIONS]
    return document


def sections_of(document: Document) -> list[Section]:
    """Return the sections of a document in order.

    None are returned where its field ``sections`` is something else, which its owner may have called so.
    """
    found = document.metadata.get(SECTIONS)
    if not isinstance(found, list) or not all(map(_is_section, found)):
        return []
    starts = [each["start"] for each in found]
    if starts != sorted(starts) or not starts or starts[0] < 0 or starts[-1] > len(document.text):
        return []
    return [Section(each["start"], tuple(each.get("heading", ())), each.get("place", {})) for each in found]


def sections_below(headings: Iterable[tuple[int, int, str]]) -> list[Section]:
    """Return the sections that headings begin: each lasts until the next of its level or of one above.

    Args:
        headings: The offset, the level and the text of each heading in order. What is beyond `MOST_HEADINGS` is left to
            the section before.
    """
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    for start, level, text in islice(headings, MOST_HEADINGS):
        path = [*(above for above in path if above[0] < level), (level, text[:LONGEST_HEADING])]
        sections.append(Section(start, tuple(title for _, title in path)))
    return sections


def heading_at(sections: Sequence[Section], offset: int) -> tuple[str, ...]:
    """Return the headings that a place in a document's text is below, the outermost first."""
    at = bisect_right(sections, offset, key=lambda section: section.start)
    return sections[at - 1].heading if at else ()


def _as_json(section: Section) -> Metadata:
    known: Metadata = {"start": section.start}
    if section.heading:
        known["heading"] = list(section.heading)
    if section.place:
        known["place"] = dict(section.place)
    return known


def _is_section(value: Any) -> bool:
    if not isinstance(value, dict) or not {"start"} <= value.keys() <= {"start", "heading", "place"}:
        return False
    heading, place = value.get("heading", []), value.get("place", {})
    return (
        type(value["start"]) is int
        and isinstance(heading, list)
        and all(isinstance(each, str) for each in heading)
        and isinstance(place, dict)
    )
