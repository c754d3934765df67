"""What a folder says of a file, as metadata of its documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from retrieverkit.reading.loading import Content
from retrieverkit_core.nodes import Document, Metadata
from retrieverkit_core.readers import Parsed, SourceFile


def with_facts(parsed: Parsed, file: SourceFile, content: Content) -> Parsed:
    """Return what was read with when the file was ``modified``, its ``size``, ``suffix`` and ``folder``.

    They can be filtered by and are not searched; what a document says of itself under such a name stands. The records
    of a table or a JSON file are documents of their own and have none.
    """
    facts: Metadata = {
        "modified": datetime.fromtimestamp(content.modified, UTC).isoformat(),
        "size": len(content.data),
        "suffix": file.suffix,
        "folder": PurePosixPath(file.path).parent.as_posix(),
    }
    return Parsed([_known(document, facts) for document in parsed.documents], parsed.errors, parsed.notes)


def _known(document: Document, facts: Metadata) -> Document:
    if document.id != document.metadata.get("path"):
        return document
    new = {name: fact for name, fact in facts.items() if name not in document.metadata}
    return replace(
        document,
        metadata={**document.metadata, **new},
        excluded_embed_metadata_keys=[*document.excluded_embed_metadata_keys, *new],
        excluded_llm_metadata_keys=[*document.excluded_llm_metadata_keys, *new],
    )
