"""The index that ``retriever search QUERY PATH...`` keeps of the paths it has searched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from retrieverkit.cli.copies import Copy, cache_folder, limit_of_cache, make_private, make_room
from retrieverkit.cli.interrupted import saying_what_is_kept
from retrieverkit.cli.progress import LongWork
from retrieverkit.files import sync_files
from retrieverkit.index import Index
from retrieverkit.reading import FileRules
from retrieverkit_core.errors import ReadError

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit.files import FilesReport

_PATIENCE = 1.0
"""Seconds to wait for another search of the same paths before saying so."""


class CachedFiles:
    """What is kept of one set of paths, in the user's cache folder, readable by the user alone.

    Args:
        paths: Files and folders; their order and spelling make no difference.
        rules: Which files of a folder are read, and how; what was read by others is kept apart.

    Raises:
        ReadError: One does not exist.
        ReadOnlyCorpusError: The cache folder cannot be written to.
    """

    def __init__(self, paths: Sequence[Path], rules: FileRules) -> None:
        for path in paths:
            if not path.exists():
                fix = 'check the path; a query of several words stands in quotes: retriever search "two words" PATH'
                raise ReadError(path, "no such file or folder", fix=fix)
        self._paths = paths
        self._rules = rules
        self._base = os.path.commonpath([os.path.dirname(os.path.realpath(path)) for path in paths])
        resolved = sorted({os.path.realpath(path) for path in paths})
        key = [*map(os.fsencode, resolved), *([] if rules == FileRules() else [repr(rules).encode()])]
        name = blake2b(b"\0".join(key), digest_size=16).hexdigest()
        self._copy = Copy(cache_folder() / name)
        self._lock = self._copy.lock()

    @contextmanager
    def open(self, screen: Screen) -> Iterator[Index]:
        """Yield the index, empty the first time; when it is closed, what was not used for long may make room."""
        limit = limit_of_cache()
        with self._turn(screen):
            make_private(self._copy.folder)
            use = self._copy.used_by_this_process(self._paths)
        try:
            with Index.open(self._copy.folder, create=True) as index:
                yield index
        finally:
            use.end()
        make_room(self._copy, limit)

    def catch_up(self, index: Index, screen: Screen) -> FilesReport:
        """Read what changed. Of two searches at the same time one reads, the other waits and has nothing to do."""
        with self._turn(screen), LongWork(screen) as work, saying_what_is_kept(index.corpus, work, screen):
            work.stage("reading files")
            # Nothing is lost by pruning: this is a copy of what the paths hold.
            return sync_files(
                index.corpus, self._paths, base=self._base, prune=True, rules=self._rules, on_progress=work.files
            )

    def forget(self, screen: Screen) -> None:
        """Delete what is kept."""
        with self._turn(screen):
            self._copy.discard()

    @contextmanager
    def _turn(self, screen: Screen) -> Iterator[None]:
        try:
            self._lock.acquire(timeout=_PATIENCE)
        except Timeout:
            screen.say(("waiting for another search that reads the same files", "dim"))
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()
