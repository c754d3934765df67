"""What a reader makes of one file."""

from __future__ import annotations

from typing import NamedTuple

from retrieverkit.reading.finding import SourceFile
from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Document, Metadata

_LONGEST_TITLE = 1_000
"""A title is kept with every node: a heading of a megabyte would be stored a thousand times."""


class Parsed(NamedTuple):
    """The documents of a file and what in it could not be read."""

    documents: list[Document]
    errors: list[ReadError]


def whole_file(file: SourceFile, text: str, *, title: str = "", **more: int) -> Document:
    """Return the document that a file is; only its title is indexed beside the text."""
    metadata: Metadata = {"path": file.path, "title": title[:_LONGEST_TITLE] or file.name, **more}
    return Document(
        text,
        id=file.path,
        metadata=metadata,
        excluded_embed_metadata_keys=[key for key in metadata if key != "title"],
    )
