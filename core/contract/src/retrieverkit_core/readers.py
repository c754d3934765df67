"""What a reader of files is: a function from the bytes of one file to its documents.

A package declares one per suffix, in the entry-point group ``retrieverkit.readers``; the name is the suffix without its
dot, in lower case::

    [project.entry-points."retrieverkit.readers"]
    docx = "retrieverkit_office.docx:reader"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    """

    documents: list[Document]
    errors: list[ReadError]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of files.

    Attributes:
        read: Makes documents of a file's bytes. It raises `ReadError` where it cannot; anything else that it raises is
            reported as its own defect, and the other files are read.
        version: Raised whenever other documents are made of the same bytes: what was read before is read again.
    """

    read: Callable[[SourceFile, bytes], Parsed]
    version: int = 1


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
