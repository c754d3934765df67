"""Looking at stored indexes, and removing them, without the plugins that made them."""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import time

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import CorpusBusyError, CorpusError
from retrieverkit_indexing.derived._database import Databases, holds_database
from retrieverkit_indexing.derived._faults import storage_error
from retrieverkit_indexing.derived._folder import CURRENT_NAME, LOCK_NAME, IndexFolder
from retrieverkit_indexing.derived._generations import Generations
from retrieverkit_indexing.derived._status import IndexStatus
from retrieverkit_indexing.derived._usage import unused

_LOCK_SECONDS = 600.0
_DAY = 86_400.0


def inspect(storage: Path, corpus: Corpus, *, hashes: bool = True, read_only: bool = False) -> list[IndexStatus]:
    """Describe every index under ``storage``.

    Args:
        storage: The folder that a corpus's indexes live under.
        corpus: The corpus.
        hashes: Whether to compare every byte with what was written. A file that does not fit is then no longer
            trusted by any process, and the index is rebuilt at its next use.
        read_only: Whether not even that may be written down.

    Returns:
        One status per index.
    """
    return list(_marked(_place(folder, read_only).describe(corpus, hashes=hashes) for folder in _folders(storage)))


def collect(
    storage: Path, corpus: Corpus, *, keep: Iterable[Path] = (), unopened_days: float = 30.0
) -> list[IndexStatus]:
    """Remove the indexes of former settings.

    An index is removed when another one of the same kind was made since it was last opened, when it has not been
    opened for ``unopened_days``, and when no live process answers from it. What is removed by mistake is built again
    when it is asked for; where that costs money, name it in ``keep``.

    Args:
        storage: The folder that a corpus's indexes live under.
        corpus: The corpus.
        keep: Folders that stay in any case.
        unopened_days: How long an index must not have been opened.

    Returns:
        What was removed.

    Raises:
        CorpusError: A folder cannot be removed.
    """
    gc.collect()  # a retriever that this process has let go of is no longer a user of its index
    kept = {os.path.abspath(folder) for folder in keep}
    before = time() - unopened_days * _DAY
    return [
        status
        for status in inspect(storage, corpus, hashes=False)
        if status.former
        and os.path.abspath(status.folder) not in kept
        and (status.last_opened or 0.0) <= before
        and _removed_if_unused(Path(status.folder))
    ]


def remove_all(storage: Path) -> None:
    """Remove every index under ``storage``; each is built again at its next use, by every process.

    Who is making one is waited for.

    Raises:
        CorpusError: A folder cannot be removed.
    """
    for folder in _subfolders(storage):
        try:
            place = IndexFolder(folder, _LOCK_SECONDS)
            with place.locked():
                place.clear()
                place.remove()
        except CorpusError:
            raise
        except OSError as error:
            raise storage_error(error, folder) from error


def _removed_if_unused(folder: Path) -> bool:
    place = IndexFolder(folder, 0.0)
    try:
        with place.locked(), unused(folder) as free:
            if free:
                place.remove()
            return free
    except CorpusBusyError:
        return False
    except OSError as error:
        raise storage_error(error, folder) from error


def _marked(found: Iterable[IndexStatus]) -> Iterator[IndexStatus]:
    """Mark what has not been opened since another index of its kind was made."""
    every = list(found)
    for status in every:
        others = [other for other in every if other.name == status.name and other is not status]
        opened = status.last_opened
        former = opened is not None and any(_made(other) > opened for other in others)
        yield dataclasses.replace(status, former=former)


def _made(status: IndexStatus) -> float:
    try:
        return (Path(status.folder) / LOCK_NAME).stat().st_mtime
    except OSError:
        return 0.0


def _place(folder: Path, read_only: bool) -> Generations | Databases:
    kind = Databases if holds_database(folder) else Generations
    return kind(folder, _LOCK_SECONDS, read_only=read_only)


def _folders(storage: Path) -> list[Path]:
    return [folder for folder in _subfolders(storage) if os.path.lexists(folder / CURRENT_NAME)]


def _subfolders(storage: Path) -> list[Path]:
    return sorted(entry for entry in storage.iterdir() if entry.is_dir()) if storage.is_dir() else []
