"""Read files one by one; what cannot be read is reported and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retrieverkit.reading.apart import Apart
from retrieverkit.reading.choosing import TEXT, reader_for, unsupported
from retrieverkit.reading.decoding import UndecodableError
from retrieverkit.reading.facts import with_facts
from retrieverkit.reading.loading import load
from retrieverkit.reading.record_ids import RecordIds
from retrieverkit_core.errors import ReadError, UnsupportedFileError
from retrieverkit_core.nodes import Document
from retrieverkit_core.readers import Parsed, SourceFile

OnProgress = Callable[[int, int, str], None]
"""Called with the number of files done, the number of all files, and the path just read."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of reading one file.

    Attributes:
        file: The file.
        fingerprint: Of exactly the bytes that the documents were made from, by this version of their reader; None
            where there were no bytes.
        documents: What was read; none where the whole file failed.
        errors: What was not: the file, or single lines, rows or pages of it.
        notes: What the caller should know of what was read.
    """

    file: SourceFile
    fingerprint: str | None
    documents: list[Document]
    errors: list[ReadError]
    notes: tuple[str, ...] = ()

    @property
    def unsupported(self) -> str | None:
        """Why no reader takes the file, and what would help; None where one does."""
        if not (self.errors and isinstance(self.errors[0], UnsupportedFileError)):
            return None
        problem, fix = unsupported(self.file)
        return f"{problem} ({fix})" if fix else problem

    @property
    def complete(self) -> bool:
        """Whether nothing failed."""
        return not self.errors


def read_changed(
    files: Sequence[SourceFile], *, ids: RecordIds | None = None, on_progress: OnProgress | None = None
) -> Iterator[FileRead]:
    """Read ``files`` one by one, holding one in memory at a time.

    Args:
        files: The files.
        ids: Settles the ids of records that several files give; by default those of these files.
        on_progress: Called after every file.
    """
    settling = ids or RecordIds()
    with Apart() as apart:
        for done, file in enumerate(files, start=1):
            yield settling.settled(_read_file(file, apart))
            if on_progress is not None:
                on_progress(done, len(files), file.path)


def read_file(file: SourceFile) -> FileRead:
    """Read one file; whatever goes wrong is in its errors."""
    with Apart() as apart:
        return _read_file(file, apart)


def _read_file(file: SourceFile, apart: Apart) -> FileRead:
    known = None
    try:
        claimed = reader_for(file)
        content = load(file, known_format=claimed is not None)
        chosen = claimed or TEXT
        known = content.fingerprint(chosen.identity, file.encoding)
        reader = chosen.reader
        parsed = apart.read(reader, file, content.data) if reader.apart else reader.read(file, content.data)
        parsed = with_facts(parsed, file, content)
    except (ReadError, UndecodableError) as error:
        parsed = Parsed([], [_told(file, error)])
    except Exception as error:  # a parser's defect must not stop the other files
        failed = ReadError(file.source, f"its reader failed: {type(error).__name__}: {error}")
        failed.__cause__ = error
        parsed = Parsed([], [failed])
    return FileRead(file, known, parsed.documents, parsed.errors, parsed.notes)


def _told(file: SourceFile, error: ReadError | UndecodableError) -> ReadError:
    if isinstance(error, ReadError):
        return error
    return ReadError(file.source, str(error), fix="save it as UTF-8, or say what it is: --encoding, or encoding=")
