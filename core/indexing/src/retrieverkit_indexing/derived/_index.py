"""`DerivedIndex`: an index that is always as new as its corpus, or an error."""

from __future__ import annotations

import atexit
import errno
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, final

from retrieverkit_core.corpus import Corpus, CorpusSnapshot, Cursor, StoredNode
from retrieverkit_core.errors import DerivedIndexError, RetrieverKitError, StorageFullError, shorten
from retrieverkit_core.progress import counted
from retrieverkit_indexing.derived._generations import Generation, Generations
from retrieverkit_indexing.derived._manifest import Manifest, Misfit, canonical_json, misfits

T = TypeVar("T")
R = TypeVar("R")
"""What an index's `DerivedIndex.open` returns and its readers search with."""

_log = logging.getLogger("retrieverkit_indexing.derived")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_ATTEMPTS = 3


class RebuildRequired(Exception):
    """Raised by `DerivedIndex.update` when the index is better, or only, built anew. It is not an error."""


class _Served(NamedTuple, Generic[R]):
    cursor: Cursor
    reader: R
    generation: Generation


class DerivedIndex(ABC, Generic[R]):
    """An index over the nodes of a corpus that can be deleted at any time without loss.

    Authors implement `build`, `update` and `open`; everything else is final. Instances may be shared between
    threads, and a folder between processes: one makes the next generation, the others wait for it and use it.
    After a fork the child opens its own reader.

    Args:
        corpus: What the index is derived from.
        storage: The folder under which this corpus's indexes live.
        config: Every setting that the stored files depend on (analyzer, model fingerprint, …).
            Another config is another index.
    """

    name: ClassVar[str]
    """The kind of index; part of its folder's name."""
    format_version: ClassVar[int]
    """Counts the changes to what `build` writes."""
    lock_timeout: ClassVar[float] = 600.0
    """Seconds to wait for another process that makes the next generation."""
    rebuild_share: ClassVar[float] = 0.5
    """More changes than this share of the corpus's nodes are not applied; the index is built anew."""

    def __init__(self, corpus: Corpus, storage: Path, config: Mapping[str, Any]) -> None:
        self.corpus = corpus
        self.config = dict(config)
        self._config = canonical_json(self.config)
        described = canonical_json([self.name, self.format_version, self.config])
        folder = f"{self.name}-{hashlib.blake2b(described.encode(), digest_size=8).hexdigest()}"
        self._stored = Generations(Path(storage) / folder, self.lock_timeout)
        self._private: Generations | None = None
        self._guard = threading.Lock()
        self._served: _Served[R] | None = None
        _instances.add(self)

    @abstractmethod
    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Write the whole index into an empty folder.

        Args:
            folder: An empty folder. Files may go into sub-folders.
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
            RebuildRequired: The changes cannot be applied, or not as cheaply as all is built anew.
        """

    @abstractmethod
    def open(self, folder: Path) -> R:
        """Open the index for reading. Its files are verified; they may be unlinked while it is in use."""

    @final
    def reader(self) -> R:
        """Return a reader that has applied every change committed before the call.

        Raises:
            DerivedIndexError: The index can be neither brought up to date nor built.
            StorageFullError: There is no space left for it; what is stored is intact.
            CorpusBusyError: Another process has been at it for longer than `lock_timeout`.
        """
        served = self._served
        if served is not None and served.cursor == self.corpus.head():
            return served.reader
        with self._guard:
            served = self._served
            if served is None or served.cursor != self.corpus.head():
                self._served = served = self._catch_up()
            return served.reader

    @final
    def ask_at(self, search: Callable[[R], T]) -> tuple[T, Cursor]:
        """Return ``search(reader)``, and the place in the corpus's log that the reader has followed it to.

        Raises:
            RetrieverKitError: As `reader`.
        """
        reader = self.reader()
        served = self._served
        while served is None or served.reader is not reader:
            reader = self.reader()
            served = self._served
        return search(reader), served.cursor

    @final
    def rebuild(self, reason: str) -> None:
        """Build the index anew, whatever is stored, and record why.

        Args:
            reason: What was wrong with the old one, for the log and `status`.
        """
        with self._guard:
            self._served = self._written(lambda place: self._build_anew(place, reason))

    @final
    def status(self) -> dict[str, Any]:
        """Describe what is stored, without changing or catching up anything.

        Returns:
            ``name``, ``folder``, ``generation`` (None before the first build), ``cursor``, ``behind``
            (changes not yet applied; None if the corpus's history does not hold the cursor), ``nodes``,
            ``size`` in bytes, ``rebuilds``, ``last_rebuild_reason``, ``private`` (kept for this process alone
            as the storage cannot be written to), and ``problem`` (why it will be rebuilt at its next use, or
            an empty string).
        """
        place = self._private or self._stored
        status: dict[str, Any] = {
            "name": self.name,
            "folder": str(place.folder),
            "generation": None,
            "cursor": None,
            "behind": None,
            "nodes": 0,
            "size": 0,
            "rebuilds": 0,
            "last_rebuild_reason": "",
            "private": place is self._private,
            "problem": "",
        }
        try:
            generation = place.current()
            if generation is None:
                return status
            manifest = generation.manifest
            status |= {
                "generation": generation.folder.name,
                "cursor": manifest.cursor,
                "nodes": manifest.nodes,
                "size": manifest.size,
                "rebuilds": manifest.rebuilds,
                "last_rebuild_reason": manifest.rebuild_reason,
            }
            self._check_fit(manifest)
            status["behind"] = max(0, self.corpus.head().seq - manifest.cursor.seq)
        except Misfit as misfit:
            status["problem"] = str(misfit)
        return status

    @final
    def check(self) -> list[str]:
        """Compare every byte of what is stored with what was written.

        What is found is rebuilt at the next use.

        Returns:
            What is wrong, one text each; nothing if all is right or nothing is stored.
        """
        with self._guard:
            place = self._private or self._stored
            for _ in range(_ATTEMPTS):
                try:
                    generation = place.current()
                    if generation is None:
                        return []
                    self._check_fit(generation.manifest)
                    found = misfits(generation.manifest, generation.folder, hashes=True)
                except Misfit as misfit:
                    found, generation = [str(misfit)], None
                if not found or not _moved_on(place, generation):
                    break
            if found:
                self._served = None
                if generation is not None:
                    generation.distrust()
            return found

    @final
    def drop(self) -> None:
        """Delete what is stored. The next use builds it anew."""
        with self._guard:
            self._served = None
            for place in (self._private, self._stored):
                if place is not None and place.folder.exists():
                    try:
                        with place.locked():
                            place.remove()
                    except OSError as error:
                        raise _storage_error(error, place.folder) from error

    def _catch_up(self) -> _Served[R]:
        return self._stored_at_head() or self._written(self._advance)

    def _stored_at_head(self) -> _Served[R] | None:
        """Open what is stored if it is up to date, without the lock."""
        for place in (self._stored, self._private):
            try:
                generation = place.current() if place else None
                if generation is not None and generation.manifest.cursor == self.corpus.head():
                    self._check_fit(generation.manifest)
                    generation.verify()
                    return self._serve(generation)
            except Exception as error:
                # Either it was replaced meanwhile or it is damaged: under the lock it will show.
                _log.debug("index %s: opening it without the lock failed: %r", self.name, error)
        return None

    def _written(self, make: Callable[[Generations], _Served[R]]) -> _Served[R]:
        """Run ``make(place)`` under the lock of the place where this index can be written."""
        failure: OSError | None = None
        for _ in range(_ATTEMPTS):
            place = self._private or self._stored
            try:
                with place.locked():
                    return make(place)
            except RetrieverKitError:
                raise
            except FileNotFoundError as error:  # somebody deleted the folder meanwhile, as anybody may
                failure = error
            except OSError as error:
                if place is self._private or error.errno not in _READ_ONLY:
                    raise _storage_error(error, place.folder) from error
                failure = error
                self._private = self._private_place(error)
        assert failure is not None
        raise _storage_error(failure, self._stored.folder) from failure

    def _private_place(self, error: OSError) -> Generations:
        folder = Path(tempfile.mkdtemp(prefix=f"retrieverkit-{self.name}-"))
        atexit.register(_remove_own, folder, os.getpid())
        _log.info(
            "index %s: %s cannot be written to (%s); using %s",
            self.name,
            self._stored.folder,
            error.strerror,
            folder,
        )
        return Generations(folder, self.lock_timeout)

    def _advance(self, place: Generations) -> _Served[R]:
        """Bring the current generation up to date, or build a new one where there is none that fits."""
        reason = ""
        try:
            base = place.current()
            if base is not None:
                self._check_fit(base.manifest)
                base.verify()
                served = self._advance_from(place, base)
                if served is not None:
                    return served
        except Misfit as misfit:
            reason = str(misfit)
        return self._build_anew(place, reason)

    def _check_fit(self, manifest: Manifest) -> None:
        if (manifest.index, manifest.version) != (self.name, self.format_version):
            raise Misfit(f"it is an index {manifest.index!r} of version {manifest.version}")
        if manifest.config != self._config:
            raise Misfit("it was built with another configuration")
        if manifest.cursor.corpus_id != self.corpus.corpus_id:
            raise Misfit("it was built from another corpus")
        if not self.corpus.holds(manifest.cursor):
            raise Misfit("the corpus's history has no such place: it was rolled back, or an older copy put back")

    def _advance_from(self, place: Generations, base: Generation) -> _Served[R] | None:
        """Apply what has changed since ``base``; None if all is to be built anew as a matter of course."""
        try:
            with self.corpus.snapshot() as view:
                if view.cursor == base.manifest.cursor:
                    return self._serve(base)
                return self._update(place, base, view)
        except RebuildRequired as required:
            _log.info("index %s is built anew: %s", self.name, required)
            return None
        except (RetrieverKitError, FileNotFoundError):
            raise
        except Exception as error:
            if _is_full(error):
                raise
            _log.warning("index %s could not be brought up to date", self.name, exc_info=True)
            raise Misfit(f"bringing it up to date failed ({shorten(repr(error))})") from error

    def _update(self, place: Generations, base: Generation, view: CorpusSnapshot) -> _Served[R]:
        since = base.manifest.cursor
        removed = sorted(set(view.removed(since)))
        added_at_most = view.count() - base.manifest.nodes + len(removed)
        if len(removed) + added_at_most > self.rebuild_share * view.count():
            raise RebuildRequired("too much of the corpus has changed")
        draft = place.begin(base)
        try:
            self.update(draft.folder, removed, counted(view.added(since), self.name, added_at_most))
            manifest = self._manifest(view, base.manifest.rebuilds, base.manifest.rebuild_reason)
            return self._serve(place.publish(draft, manifest))
        except BaseException:
            shutil.rmtree(draft.folder, ignore_errors=True)
            raise

    def _build_anew(self, place: Generations, reason: str) -> _Served[R]:
        """Build from nothing. ``reason`` says what was wrong with the generation before, if anything was."""
        rebuilds, last_reason = _rebuilds_so_far(place)
        if reason:
            rebuilds, last_reason = rebuilds + 1, reason
            _log.warning("index %s in %s is rebuilt: %s", self.name, place.folder, reason)
        draft = place.begin(None)
        try:
            with self.corpus.snapshot() as view:
                self.build(draft.folder, counted(view.nodes(), self.name, view.count()))
                manifest = self._manifest(view, rebuilds, last_reason)
            return self._serve(place.publish(draft, manifest))
        except RetrieverKitError:
            raise
        except Exception as error:
            if not draft.folder.parent.exists():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(draft.folder)) from error
            raise _storage_error(error, place.folder) from error
        finally:
            shutil.rmtree(draft.folder, ignore_errors=True)

    def _manifest(self, view: CorpusSnapshot, rebuilds: int, reason: str) -> Manifest:
        return Manifest(
            index=self.name,
            version=self.format_version,
            config=self._config,
            cursor=view.cursor,
            nodes=view.count(),
            rebuilds=rebuilds,
            rebuild_reason=reason,
        )

    def _serve(self, generation: Generation) -> _Served[R]:
        return _Served(generation.manifest.cursor, self.open(generation.folder), generation)


def _moved_on(place: Generations, generation: Generation | None) -> bool:
    """Whether another generation became current: what was found may only have been its replacement."""
    try:
        current = place.current()
    except Misfit:
        return False
    return current is not None and (generation is None or current.folder != generation.folder)


def _rebuilds_so_far(place: Generations) -> tuple[int, str]:
    try:
        current = place.current()
    except Misfit:
        return 0, ""
    return (current.manifest.rebuilds, current.manifest.rebuild_reason) if current else (0, "")


def _is_full(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _storage_error(error: Exception, folder: Path) -> RetrieverKitError:
    if _is_full(error):
        return StorageFullError(
            f"no space left for an index in {folder}", fix="free some space; nothing stored is lost"
        )
    return DerivedIndexError(
        f"the index in {folder} cannot be built: {shorten(repr(error), 300)}",
        fix="it holds nothing that the corpus does not: the folder may be deleted",
    )


def _remove_own(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)


_instances: weakref.WeakSet[DerivedIndex[Any]] = weakref.WeakSet()


def _reopen_after_fork() -> None:
    for index in list(_instances):
        index._guard = threading.Lock()
        index._served = None
        index._private = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reopen_after_fork)
