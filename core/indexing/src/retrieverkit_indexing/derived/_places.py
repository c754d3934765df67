"""Where an index can be written: beside its corpus, or in a temporary folder of this process alone."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_indexing.derived._faults import storage_error
from retrieverkit_indexing.derived._status import IndexStatus
from retrieverkit_indexing.derived._usage import remove_abandoned

T = TypeVar("T")
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_ATTEMPTS = 3
_log = logging.getLogger("retrieverkit_indexing.derived")


class Place(Protocol):
    """A folder that holds one index."""

    @property
    def folder(self) -> Path:
        """The folder."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Hold it against other processes and threads that would write."""
        ...

    def remove(self) -> None:
        """Remove everything. Needs the lock."""
        ...

    def describe(self, corpus: Corpus, *, hashes: bool) -> IndexStatus:
        """Look at what is stored without changing it."""
        ...


P = TypeVar("P", bound=Place)


class Places(Generic[P]):
    """The places of one index, shared by all who use it in this process.

    Args:
        name: The kind of index.
        folder: The folder beside the corpus.
        make: Makes a place of a folder; is told whether it is only read.
        read_only: Whether nothing may be written beside the corpus.

    Attributes:
        stored: The place beside the corpus.
        private: The one of this process alone, or None while there is none.
    """

    def __init__(self, name: str, folder: Path, make: Callable[[Path, bool], P], *, read_only: bool) -> None:
        self._name = name
        self._make = make
        self.read_only = read_only
        self.stored = make(folder, read_only)
        self.private: P | None = None

    @property
    def used(self) -> P:
        """The place that is written to."""
        return self.private or self.stored

    def __iter__(self) -> Iterator[P]:
        yield self.stored
        if self.private is not None:
            yield self.private

    def written(self, work: Callable[[P], T]) -> T:
        """Return ``work(place)`` for the place where this index can be written, under its lock."""
        failure: OSError | None = None
        for _ in range(_ATTEMPTS):
            if self.read_only and self.private is None:
                self.private = self._temporary("it is opened to be read only")
            place = self.used
            try:
                with place.locked():
                    return work(place)
            except RetrieverKitError:
                raise
            except FileNotFoundError as error:  # somebody deleted the folder meanwhile, as anybody may
                failure = error
            except OSError as error:
                if place is self.private or error.errno not in _READ_ONLY:
                    raise storage_error(error, place.folder) from error
                failure = error
                self.private = self._temporary(f"it cannot be written to ({error.strerror})")
        assert failure is not None
        raise storage_error(failure, self.stored.folder) from failure

    def drop(self) -> None:
        """Remove what is stored, as far as it may be."""
        for place in self:
            if place.folder.exists() and not (self.read_only and place is self.stored):
                try:
                    with place.locked():
                        place.remove()
                except OSError as error:
                    raise storage_error(error, place.folder) from error

    def _temporary(self, why: str) -> P:
        remove_abandoned("retrieverkit-private-*", Path(tempfile.gettempdir()))
        folder = Path(tempfile.mkdtemp(prefix=f"retrieverkit-private-{self._name}-"))
        weakref.finalize(self, _remove_own, folder, os.getpid())
        _log.info("index %s: %s: %s; using %s", self._name, self.stored.folder, why, folder)
        return self._make(folder, False)


def _remove_own(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)
