"""A document cut at its headings, each piece knowing the headings that it is below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retrieverkit.reading.markdown import MARKDOWN_SUFFIXES, Heading, below, headings_in
from retrieverkit.reading.splitting import (
    Span,
    check_sizes,
    checked_text,
    nodes_at,
    pages_of,
    pieces_of_page,
    split,
    splitter_for,
)
from retrieverkit_core.nodes import Document, Metadata, Node
from retrieverkit_core.readers import LONGEST_HEADING, Section, heading_at, sections_of

HEADING = "heading"
"""The metadata field with the headings that a node is below, the outermost first."""

_LONGEST_ALONE = 4 * LONGEST_HEADING
"""Characters of a section that may be but a heading."""

_MARKS = "#=- "
"""What is beside the words of a heading in Markdown."""


def split_at_headings(document: Document, *, chunk_size: int, overlap: int = 0) -> list[Node]:
    """Cut a document at its headings, and what is long between two of them as `splitting.split` cuts a page.

    A section begins with its own heading. Where nothing but a deeper heading follows one, both begin the section of the
    deeper. The headings that a node is below, its own the last, are its metadata ``heading``; a field of that name that
    the document has itself stands in its place. Offsets, ids and pages are as for `splitting.split`.

    The headings are those that the document's reader says (`retrieverkit_core.readers.with_sections`), else those of
    its Markdown: a document is Markdown whose ``path`` says so, or that has no path. One without headings is cut as by
    `splitting.split`.

    Args:
        document: The document.
        chunk_size: The most characters of a piece of a longer section; up to three times as many stay whole.
        overlap: The most characters that a piece repeats of the one before in its section.

    Raises:
        OptionError: ``chunk_size`` is not positive, or ``overlap`` not between 0 and half of it.
        InvalidDocumentError: The text is not text.
    """
    check_sizes(chunk_size, overlap)
    text = checked_text(document)
    sections = _sections_of(document)
    if not text.strip() or not any(section.heading for section in sections):
        return split(document, chunk_size=chunk_size, overlap=overlap)
    splitter = splitter_for(document, chunk_size, overlap)
    spans = [
        Span(stretch.start + start, stretch.start + end, stretch.part)
        for stretch in _stretches(text, sections, pages_of(document))
        for start, end in pieces_of_page(text[stretch.start : stretch.end], splitter, chunk_size, overlap)
    ]

    def above(span: Span) -> Metadata:
        heading = list(heading_at(sections, span.end - 1))
        return {HEADING: heading} if heading else {}

    return nodes_at(document, spans, searched=above)


def _sections_of(document: Document) -> Sequence[Section]:
    """Return where the sections of a document begin; nowhere, where nobody knows."""
    if known := sections_of(document):
        return known
    path = document.metadata.get("path")
    if path is not None and not str(path).lower().endswith(MARKDOWN_SUFFIXES):
        return ()
    sections = []
    above: tuple[Heading, ...] = ()
    for heading in headings_in(document.text):
        above = below(above, heading)
        sections.append(Section(heading.start, tuple(each.text[:LONGEST_HEADING] for each in above)))
    return sections


def _stretches(text: str, sections: Sequence[Section], pages: Sequence[Span]) -> Iterator[Span]:
    """Yield what belongs together in each page, without the white space around it."""
    at = 0
    for page in pages:
        start = page.start
        while at < len(sections) and sections[at].start < page.end:
            here = sections[at].start
            if here > start and not (
                at and sections[at - 1].start >= page.start and _is_alone(text, *sections[at - 1 : at + 1])
            ):
                yield _stripped(text, Span(start, here, page.part))
                start = here
            at += 1
        yield _stripped(text, Span(start, page.end, page.part))


def _is_alone(text: str, section: Section, following: Section) -> bool:
    """Whether a section is but its heading, and the following one is below it."""
    own = section.heading
    if not own or following.heading[: len(own)] != own or len(following.heading) == len(own):
        return False
    if following.start - section.start > _LONGEST_ALONE:
        return False
    words = " ".join(text[section.start : following.start].split())
    return words.strip(_MARKS) == " ".join(own[-1].split()).strip(_MARKS)


def _stripped(text: str, span: Span) -> Span:
    stretch = text[span.start : span.end]
    start = span.start + len(stretch) - len(stretch.lstrip())
    return Span(start, max(start, span.start + len(stretch.rstrip())), span.part)
