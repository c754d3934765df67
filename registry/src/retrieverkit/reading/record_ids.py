"""Ids of records that several files give: the first file keeps the id, those of the others are called by their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ReadError, shorten

if TYPE_CHECKING:
    from retrieverkit.reading.report import FileRead
    from retrieverkit_core.nodes import Document
    from retrieverkit_core.readers import SourceFile

OwnersOf = Callable[[Iterable[str]], Mapping[str, str | None]]
"""Returns the source of each of these documents that is stored, None where it came from no file."""

IsFree = Callable[[str, str, "SourceFile"], bool]
"""Whether a stored document of a source makes room for one of a file, as it was the same that was moved."""


def own_place(path: str, record_id: str) -> str:
    """Return what a record is called whose id another file has given before."""
    return f"{path}#id={record_id}"


class RecordIds:
    """Settles the ids of what is read, file after file.

    An id that a file has already keeps its document; the same id in another file is called by that file and the id. A
    record that was called so stays so while its file is there, so that no id changes when another file goes.

    Args:
        owners_of: Looks documents up that are stored.
        is_free: Whether a stored document makes room.
    """

    def __init__(
        self, owners_of: OwnersOf = lambda ids: {}, is_free: IsFree = lambda doc_id, owner, file: False
    ) -> None:
        self._owners_of = owners_of
        self._is_free = is_free
        self._given: dict[str, str] = {}
        self._read: set[str] = set()
        self._renamed: Counter[str] = Counter()
        self._example = ""

    def settled(self, read: FileRead) -> FileRead:
        """Return what was read with ids that no other document has; a record whose id its own file repeats is told."""
        source, path = read.file.source, read.file.path
        own = [document.id for document in read.documents if not _is_of_file(document.id, path)]
        stored = self._owners_of([*own, *(own_place(path, each) for each in own)]) if own else {}
        places: dict[str, str] = {}
        kept: list[Document] = []
        errors = list(read.errors)
        for document in read.documents:
            place = _place(document, path)
            if document.id in places:
                told = f"{place}: the id {document.id!r} is already used by {places[document.id]}"
                errors.append(ReadError(source, told, fix="give every document its own id"))
                continue
            places[document.id] = place
            kept.append(self._called(document, read.file, stored))
        self._given |= {document.id: source for document in kept}
        if read.fingerprint is not None:
            self._read.add(source)
        return replace(read, documents=kept, errors=errors)

    def notes(self) -> Iterator[str]:
        """Yield what was called otherwise than it calls itself."""
        if self._example:
            told, number = shorten(repr(self._example), 200), self._renamed.total()
            files = len(self._renamed)
            yield (
                f"{number:,} record{'' if number == 1 else 's'} of {files:,} file{'' if files == 1 else 's'} "
                f"{'has an id' if number == 1 else 'have ids'} that another file has given before; "
                f"{'it is' if number == 1 else 'they are'} called by file and id, such as {told}"
            )

    def _called(self, document: Document, file: SourceFile, stored: Mapping[str, str | None]) -> Document:
        if _is_of_file(document.id, file.path):
            return document
        other = own_place(file.path, document.id)
        if stored.get(other) != file.source and not self._is_taken(document.id, file, stored):
            return document
        self._renamed[file.source] += 1
        self._example = self._example or other
        return replace(document, id=other)

    def _is_taken(self, doc_id: str, file: SourceFile, stored: Mapping[str, str | None]) -> bool:
        if self._given.get(doc_id, file.source) != file.source:
            return True
        if doc_id not in stored or (owner := stored[doc_id]) == file.source:
            return False
        if owner is None:  # added by hand
            return True
        given_up = owner in self._read and self._given.get(doc_id) != owner
        return not given_up and not self._is_free(doc_id, owner, file)


def _is_of_file(doc_id: str, path: str) -> bool:
    return doc_id == path or doc_id.startswith(f"{path}#")


def _place(document: Document, path: str) -> str:
    return f"{path}, row {document.metadata['row']}" if "row" in document.metadata else path
