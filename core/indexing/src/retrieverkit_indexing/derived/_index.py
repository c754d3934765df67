"""`DerivedIndex`: an index that is kept in files, published whole and never changed afterwards."""

from __future__ import annotations

import errno
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_indexing.derived._applied import Applied, Misfit
from retrieverkit_indexing.derived._faults import storage_error, without_panics
from retrieverkit_indexing.derived._files import look
from retrieverkit_indexing.derived._generations import Draft, Generation, Generations
from retrieverkit_indexing.derived._manifest import MANIFEST_NAME
from retrieverkit_indexing.derived._serving import CorpusIndex, Served

R = TypeVar("R")


class DerivedIndex(CorpusIndex[R]):
    """An index over the nodes of a corpus, in files that are replaced and never changed.

    Authors implement `build`, `update` and `open`.
    """

    resumable: ClassVar[bool] = False
    """Whether `build` goes on with what it finds in its folder when an earlier attempt was stopped."""

    @abstractmethod
    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Write the whole index into a folder.

        Args:
            folder: An empty folder. Files may go into sub-folders. Where the index is `resumable`, an attempt that a
                model's failure or a kill ended may have left files in it. They were made from the same corpus and with
                the same config; but nodes may have come and gone since, so that what is kept of a node belongs under
                its ordinal. What is left at the end is published, whether this attempt wrote it or not.
            nodes: Every node of the corpus by ascending ordinal; to be consumed once.
        """

    @abstractmethod
    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Apply changes to a private copy of the index.

        Args:
            folder: A folder with hard links to the current generation's files. Write new files, remove or
                replace old ones, but never write into an existing file.
            removed: Ordinals of nodes that are gone, ascending. The index may never have seen some of them.
            added: New nodes by ascending ordinal, none of which is in ``removed``; to be consumed once.

        Raises:
            RebuildRequired: The changes cannot be applied, or not as cheaply as all is built again.
        """

    @abstractmethod
    def open(self, folder: Path) -> R:
        """Open the index for reading. Its files are verified; they may be unlinked while it is in use."""

    @classmethod
    def _place(cls, folder: Path, read_only: bool) -> Generations:
        return Generations(folder, cls.lock_timeout, read_only=read_only)

    def _store(self, place: Generations) -> _Files[R]:
        return _Files(self, place)


class _Files(Generic[R]):
    """A `Store` of one generation after the other."""

    def __init__(self, index: DerivedIndex[R], place: Generations) -> None:
        self._index = index
        self._place = place
        self._base: Generation | None = None

    def applied(self) -> Applied | None:
        self._base = self._place.current() or self._elsewhere()
        return self._base.applied if self._base else None

    def _elsewhere(self) -> Generation | None:
        """Return what is stored beside the corpus, as long as this process's own place is empty."""
        stored = self._index._state.places.stored
        try:
            return None if self._place is stored else stored.current()
        except Misfit:
            return None

    def verify(self) -> None:
        base = self._base or self._place.current()
        if base is not None:
            place = self._place if base.folder.parent == self._place.folder else self._index._state.places.stored
            place.verify(base)

    def update(self, removed: Sequence[int], added: Iterator[StoredNode], applied: Applied) -> None:
        draft = self._place.begin(self._base)
        try:
            with without_panics():
                self._index.update(draft.folder, removed, added)
            self._base = self._place.publish(draft, applied)
        except BaseException:
            self._place.abandon(draft)
            raise

    def build(self, nodes: Iterator[StoredNode], applied: Applied) -> None:
        resumable = self._index.resumable
        place, corpus = self._place, self._index.corpus
        draft = Draft(place.unfinished_folder(applied, corpus), None, {}) if resumable else place.begin(None)
        resumed = any(draft.folder.iterdir())
        try:
            with without_panics():
                self._index.build(draft.folder, nodes)
            self._base = self._place.publish(draft, applied)
        except Exception as error:
            if not self._place.folder.exists():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(draft.folder)) from error
            if not resumable or (resumed and not isinstance(error, RetrieverKitError)):
                self._place.abandon(draft)  # what an earlier attempt left may be what made this one fail
            if isinstance(error, RetrieverKitError):
                raise
            raise storage_error(error, self._place.folder) from error
        except BaseException:
            if not resumable:
                self._place.abandon(draft)
            raise

    def serve(self) -> Served[R]:
        generation = self._base or self._place.current()
        if generation is None:
            raise Misfit("it is gone")
        marker = generation.folder / MANIFEST_NAME
        inode = look(marker).inode
        with without_panics():
            reader = self._index.open(generation.folder)
        place = self._place if generation.folder.parent == self._place.folder else self._index._state.places.stored
        return Served(
            generation.applied.cursor, reader, str(marker), inode, place, lambda: place.is_unchanged(generation)
        )
