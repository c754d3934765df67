"""What ``retriever status`` says of an index; nothing of it needs more than a look at what is stored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit.layout import CORPUS_FILE, DERIVED_FOLDER, EMBEDDING_FILE
from retrieverkit.regular_files import read_regular
from retrieverkit.roots import Root, roots_of

if TYPE_CHECKING:
    from retrieverkit.index import Index
    from retrieverkit_core.corpus import IndexSettings
    from retrieverkit_indexing.derived import IndexStatus

_LONGEST_NAME = 10_000


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """What an index holds.

    Attributes:
        folder: Its folder.
        documents: How many documents.
        nodes: How many nodes they are cut into.
        changes: How many changes its log counts.
        roots: The paths that were indexed, and when.
        unfinished: Files that could not be read whole.
        settings: The language, the fields that are searched, and the splitter.
        embedding: The embedding that was chosen for it, or an empty string.
        derived: The derived indexes.
        sizes: The bytes of each part: ``corpus``, each derived index by its folder's name, and ``other``.
    """

    folder: str
    documents: int
    nodes: int
    changes: int
    roots: list[Root]
    unfinished: list[str]
    settings: IndexSettings
    embedding: str
    derived: list[IndexStatus]
    sizes: dict[str, int]

    @classmethod
    def of(cls, index: Index) -> IndexFacts:
        """Look at an index.

        Raises:
            CorpusError: It cannot be read.
        """
        from retrieverkit.reading.sync import is_whole

        corpus = index.corpus
        return cls(
            folder=str(index.path),
            documents=len(index.document_ids()),
            nodes=len(index),
            changes=corpus.head().seq,
            roots=roots_of(index.path),
            unfinished=sorted(source for source, fingerprint in corpus.sources().items() if not is_whole(fingerprint)),
            settings=index.settings,
            embedding=_embedding(index.path),
            derived=index.derived(),
            sizes=_sizes(index.path),
        )


def _embedding(folder: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return read_regular(folder / EMBEDDING_FILE, _LONGEST_NAME).decode("utf-8").strip()
    return ""


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes on the disk; a file with several names in the folder counts once."""
    sizes = {"corpus": 0, "other": 0}
    seen: set[tuple[int, int]] = set()
    for path, status in files_below(folder):
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        parts = path.relative_to(folder).parts
        if parts[0].startswith(CORPUS_FILE):
            part = "corpus"
        elif parts[0] == DERIVED_FOLDER and len(parts) > 2:
            part = parts[1]
        else:
            part = "other"
        sizes[part] = sizes.get(part, 0) + status.st_size
    return sizes


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each file below a folder and what the disk says of it; what goes meanwhile is left out."""
    pending = [folder]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                else:
                    with suppress(OSError):
                        yield Path(entry.path), entry.stat(follow_symlinks=False)


def size_text(size: float) -> str:
    """Return bytes in the largest unit that leaves a digit before the point, as ``1.5 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def time_text(at: float) -> str:
    """Return a time in UTC, as ISO 8601 has it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
