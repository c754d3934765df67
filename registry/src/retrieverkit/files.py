"""Keeping an index in step with files: only what changed is read, what is gone is removed."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from retrieverkit.reading import FileRead, FileRules, Skipped, SourceFile, plan_sync, read_changed
from retrieverkit.reading.record_ids import RecordIds
from retrieverkit.reading.splitters import Cutting
from retrieverkit.reading.sync import failed_before
from retrieverkit_core.corpus import ChangeReport, SourceContent, WritableCorpus
from retrieverkit_core.errors import CorpusError, InvalidDocumentError, ReadError

_BATCH = 1_000
"""Documents that are committed together: enough that the disk is rarely waited for, few enough to hold in memory."""

_NOTED = 3
"""Notes on files that are named; others are counted."""

OnProgress = Callable[[int, int, str], None]
"""Called with the number of files done, the number of all files to read, and the path just read."""


@dataclass(slots=True)
class FilesReport:
    """What bringing files up to date did.

    Attributes:
        added: Ids of new documents.
        changed: Ids of documents that were replaced.
        removed: Ids of documents that are gone.
        unchanged: How many files hold what they held.
        read: How many files were read.
        errors: What could not be read or stored, each with its path; the rest went in.
        skipped: What was left out by rule, and files of kinds that no reader takes.
        of_other_kinds: How many of these no reader takes.
        failed_before: The paths of files that could not be read, or not all of them, and have not changed since; they
            were not read again.
        notes: What the caller should know, such as the language that was detected.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    read: int = 0
    errors: list[ReadError] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    of_other_kinds: int = 0
    failed_before: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        """Whether a file that should be in could not be read, now or before."""
        return bool(self.errors or self.failed_before)

    def include(self, change: ChangeReport) -> None:
        """Add what one commit did."""
        self.added += change.added
        self.changed += change.changed
        self.removed += change.removed
        self.notes += [note for note in change.notes if note not in self.notes]


def sync_files(
    corpus: WritableCorpus,
    paths: Iterable[str | os.PathLike[str]],
    *,
    exclude: Iterable[str | os.PathLike[str]] = (),
    base: str | os.PathLike[str] = "",
    prune: bool = False,
    retry: bool = False,
    rules: FileRules | None = None,
    on_progress: OnProgress | None = None,
) -> FilesReport:
    """Make the corpus hold what the files under ``paths`` hold now; documents from elsewhere are left alone.

    Args:
        corpus: The corpus.
        paths: Files and folders.
        exclude: Files and folders to leave out.
        base: The folder that ids are relative to; see `find_files`.
        prune: Whether a path that is gone whole takes its documents along; see `plan_sync`.
        retry: Whether files that could not be read, and have not changed since, are read again.
        rules: Which files of a folder are read, and how; by default all that are not hidden or ignored.
        on_progress: Called after every file that is read.

    Returns:
        What was done, and by name and reason what could not be.

    Raises:
        CorpusError: The corpus cannot be written.
    """
    previous = corpus.sources()
    plan = plan_sync(previous, paths, exclude=exclude, base=base, prune=prune, retry=retry, rules=rules or FileRules())
    report = FilesReport(unchanged=len(plan.unchanged), errors=list(plan.errors), skipped=plan.skipped)
    report.failed_before = [file.path for file in plan.failed]
    if plan.gone:
        report.include(corpus.remove_sources(plan.gone))
    cutting = Cutting(corpus.settings.splitter)
    batch: list[FileRead] = []
    ids = RecordIds(corpus.sources_of, lambda doc_id, owner, file: _was_moved(corpus, doc_id, owner, file))
    notes: list[str] = []
    for read in read_changed(plan.changed, ids=ids, on_progress=on_progress):
        if read.unsupported is not None and not _is_wanted(read, previous, plan.roots):
            report.skipped.append(Skipped(read.file.path, read.unsupported))
            report.of_other_kinds += 1
            if read.file.source in previous:  # it was text once
                report.include(corpus.remove_sources([read.file.source]))
            continue
        report.read += 1
        report.errors += read.errors
        notes += read.notes
        if read.fingerprint is None:
            continue  # it could not be opened: nothing is known against what was read from it before
        batch.append(read)
        if sum(len(each.documents) for each in batch) >= _BATCH:
            _store(corpus, batch, cutting, report)
            batch = []
    if batch:
        _store(corpus, batch, cutting, report)
    report.notes += [*cutting.notes(), *ids.notes(), *notes[:_NOTED]]
    if len(notes) > _NOTED:
        report.notes.append(f"{len(notes) - _NOTED:,} more files have such notes")
    return report


def _is_wanted(read: FileRead, previous: Collection[str], roots: Collection[str]) -> bool:
    """Whether it is a failure that nobody reads a file: it was named, or its reader is no longer there."""
    source = read.file.source
    return source in roots or (source in previous and bool(read.errors[0].fix))


def _store(corpus: WritableCorpus, batch: Sequence[FileRead], cutting: Cutting, report: FilesReport) -> None:
    """Commit a batch; where something in it cannot be stored, find out what, and commit the rest."""
    moved = _moved(corpus, batch)
    try:
        contents = [_content(read, cutting, _fingerprint_to_keep(read)) for read in batch]
        report.include(corpus.replace_sources([*(SourceContent(source, None, []) for source in moved), *contents]))
        if moved:
            corpus.remove_sources(moved)  # they hold nothing any more
    except InvalidDocumentError as error:
        if len(batch) > 1:
            for read in batch:
                _store(corpus, [read], cutting, report)
        else:
            _store_without(corpus, batch[0], error, cutting, report)


def _moved(corpus: WritableCorpus, batch: Sequence[FileRead]) -> list[str]:
    """Return the sources that are gone and whose documents are now read from another place.

    That is so where a folder was moved with its index: the path below the index's folder is what it was. An id alone
    proves nothing, as the table that a record was read from may lie on a disk that is not mounted.
    """
    files = {document.id: read.file for read in batch for document in read.documents}
    examples: dict[str, str] = {}
    for doc_id, owner in corpus.sources_of(files).items():
        if owner is not None and owner != files[doc_id].source:
            examples.setdefault(owner, doc_id)
    return sorted(owner for owner, doc_id in examples.items() if _was_moved(corpus, doc_id, owner, files[doc_id]))


def _was_moved(corpus: WritableCorpus, doc_id: str, owner: str, file: SourceFile) -> bool:
    """Return whether a stored document was read from what a file was before it was moved."""
    document = corpus.document(doc_id)
    return document is not None and document.metadata.get("path") == file.path and _is_gone(owner)


def _is_gone(source: str) -> bool:
    try:
        os.lstat(source)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _store_without(
    corpus: WritableCorpus, read: FileRead, error: InvalidDocumentError, cutting: Cutting, report: FilesReport
) -> None:
    """Commit one file without the documents that cannot be stored."""
    refused: InvalidDocumentError | None = error
    documents = list(read.documents)
    while refused is not None:
        wrong = [document for document in documents if document.id == refused.document_id]
        if not wrong:
            raise CorpusError(f"{read.file.path}: {refused}") from refused
        report.errors.append(ReadError(read.file.path, str(refused)))
        documents = [document for document in documents if document is not wrong[-1]]
        partial = FileRead(read.file, read.fingerprint, documents, read.errors)
        try:
            report.include(corpus.replace_sources([_content(partial, cutting, None)]))
            refused = None
        except InvalidDocumentError as another:
            refused = another


def _fingerprint_to_keep(read: FileRead) -> str | None:
    if read.complete or read.fingerprint is None:
        return read.fingerprint
    return failed_before(read.fingerprint)


def _content(read: FileRead, cutting: Cutting, fingerprint: str | None) -> SourceContent:
    pairs = [(document, cutting(document)) for document in read.documents]
    return SourceContent(read.file.source, fingerprint, pairs)
