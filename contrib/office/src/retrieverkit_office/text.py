"""The text of a document as it is put together: lines, headings, rows, parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Document, Metadata
from retrieverkit_core.readers import (
    LONGEST_HEADING,
    LONGEST_TITLE,
    MOST_HEADINGS,
    Parsed,
    Section,
    SourceFile,
    whole_file,
    with_sections,
)

MOST_CHARACTERS = 20_000_000
"""Characters of text that are read of one document."""

BETWEEN_CELLS = " | "


class TooMuchError(Exception):
    """A document has more than is read of one."""


class Text:
    """Collects the text of a document, and where its sections begin."""

    def __init__(self) -> None:
        self.size = 0
        self._lines: list[str] = []
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []

    def line(self, text: str) -> None:
        """Add a line, or several; a blank one is left out.

        Raises:
            TooMuchError: It is full.
        """
        if text := _clean(text):
            self.row(text)

    def row(self, text: str = "") -> None:
        """Add a line that may be blank.

        Raises:
            TooMuchError: It is full.
        """
        if self.size + len(text) > MOST_CHARACTERS:
            raise TooMuchError(f"its text is longer than {MOST_CHARACTERS:,} characters")
        self._lines.append(text)
        self.size += len(text) + 1

    def heading(self, level: int, text: str) -> None:
        """Add a heading; what follows is below it until the next of its level or of one above."""
        if not (text := " ".join(_clean(text).split())):
            return
        path = [*(above for above in self._path if above[0] < level), (level, text[:LONGEST_HEADING])]
        if self._headings() != (text,) and len(self._sections) < MOST_HEADINGS:
            self._path = path
            self._sections.append(Section(self.size, self._headings()))
        self.row(text)

    def part(self, place: Metadata, heading: str = "") -> None:
        """Begin a part, such as a slide; with a heading, all of it is below that."""
        self._path = [(0, heading[:LONGEST_HEADING])] if heading else []
        self._sections.append(Section(self.size, self._headings(), place))

    def aside(self) -> None:
        """Begin what is below no heading, such as what stands at the foot of every page."""
        self._path = []
        self._sections.append(Section(self.size))

    def lines(self) -> list[str]:
        """Return the lines that are not blank."""
        return [line for line in self._lines if line.strip()]

    def parsed(
        self, file: SourceFile, title: str, known: Metadata, errors: Sequence[ReadError], *, without_value: int = 0
    ) -> Parsed:
        """Return the one document that this is.

        Args:
            file: The file.
            title: What it is called, if it says so.
            known: What else it says of itself.
            errors: What in it could not be read.
            without_value: How many formulas have no saved value; a note says so.

        Raises:
            ReadError: There is no text.
        """
        text = "\n".join(self._lines)
        told = f"{without_value:,} formula{' has' if without_value == 1 else 's have'} no saved value"
        if not text.strip() and without_value and not errors:
            raise ReadError(file.source, told, fix="open it in a spreadsheet program and save it")
        if not text.strip():
            raise errors[0] if errors else ReadError(file.source, "no text in it", fix="if it is a scan, run OCR on it")
        title = title or next((section.heading[-1] for section in self._sections if section.heading), "")
        document = _known(whole_file(file, text, title=title), known)
        sections = [section for section in self._sections if section.start < len(text)]
        note = f"{file.path}: {told}; to have them read, open it in a spreadsheet program and save it"
        return Parsed([with_sections(document, sections)], list(errors), (note,) if without_value else ())

    def _headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)


def _known(document: Document, known: Metadata) -> Document:
    new = {name: value for name, value in known.items() if value and name not in document.metadata}
    document.metadata |= new
    document.excluded_embed_metadata_keys = [*document.excluded_embed_metadata_keys, *new]
    return document


def cells(texts: Iterable[str]) -> str:
    """Return the cells of a row of a table as one line."""
    row = [" ".join(_clean(text).split()) for text in texts]
    return BETWEEN_CELLS.join(row) if any(row) else ""


def said(value: object) -> str:
    """Return what a property says, as one line."""
    return " ".join(_clean(str(value or "")).split())[:LONGEST_TITLE]


def keywords(value: object) -> list[str]:
    """Return keywords that are parted by commas or semicolons."""
    return [word for each in said(value).replace(";", ",").split(",") if (word := each.strip())]


@contextmanager
def in_part(file: SourceFile, errors: list[ReadError], place: Callable[[], str] = str) -> Iterator[None]:
    """Go on with what was read where the rest cannot be, and say so.

    Args:
        file: The file.
        errors: What to add the reason to.
        place: Returns where in the file it is, such as ``"slide 3: "``.
    """
    try:
        yield
    except TooMuchError as error:
        errors.append(ReadError(file.source, f"read in part: {place()}{error}", fix="split the file"))
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # parsers raise many kinds on damaged files
        told = f"read in part: {place()}{str(error)[:200] or type(error).__name__}"
        errors.append(ReadError(file.source, told, fix="save the file again"))


def _clean(text: str) -> str:
    text = text.replace("\0", "").replace("\f", "\n").replace("\u00ad", "").strip()
    return text.encode("utf-8", "replace").decode("utf-8")
