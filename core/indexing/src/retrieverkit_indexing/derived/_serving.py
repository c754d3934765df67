"""`CorpusIndex`: an index that is always as new as its corpus, or an error, wherever it is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, final

from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_core.deadline import lifted
from retrieverkit_core.errors import (
    BudgetExceededError,
    BuildPostponedError,
    CassetteError,
    CorpusBusyError,
    DeadlineExceededError,
    DerivedIndexError,
    NotRecordedError,
    RetrieverKitError,
    shorten,
)
from retrieverkit_core.one_look import look_again
from retrieverkit_core.progress import during
from retrieverkit_indexing.derived._applied import Applied, Kind, Misfit, canonical_json
from retrieverkit_indexing.derived._catching_up import REBUILD_SHARE, Store, build_again, catch_up
from retrieverkit_indexing.derived._faults import EnginePanic, storage_error, without_panics
from retrieverkit_indexing.derived._places import Places
from retrieverkit_indexing.derived._status import IndexStatus
from retrieverkit_indexing.derived._usage import Usage
from retrieverkit_indexing.derived._waiting import thread_lock

R = TypeVar("R")
"""What an index is searched with."""
T = TypeVar("T")

LONGEST_PAUSE = 300.0
"""Seconds after which a build that failed is tried again at the latest."""

_OF_THE_CALLER = (CorpusBusyError, DeadlineExceededError, BudgetExceededError, NotRecordedError, CassetteError)
"""What ends a build for the caller's reasons: another caller may try at once."""

_log = logging.getLogger("retrieverkit_indexing.derived")


class Served(NamedTuple, Generic[R]):
    """What answers, and the state of the index that it answers from.

    Attributes:
        cursor: How far that state has followed the corpus.
        reader: What the index is searched with.
        marker: A file that is there for as long as what is stored is this state.
        inode: Which file that was when it was opened.
        place: The place that it was opened in.
        unchanged: Returns whether nobody has written into the files that are open.
    """

    cursor: Cursor
    reader: R
    marker: str
    inode: int
    place: Any
    unchanged: Callable[[], bool]

    def is_there(self) -> bool:
        """Return whether what it answers from has not been removed or replaced meanwhile."""
        try:
            return os.stat(self.marker).st_ino == self.inode
        except OSError:
            return False


class Pending(NamedTuple):
    """What an index has to take in before it can answer.

    Attributes:
        nodes: How many nodes, at most.
        since: The place in the corpus's log up to which it has taken in all; None where it is built of all nodes.
    """

    nodes: int
    since: Cursor | None


class _Failure(NamedTuple):
    error: RetrieverKitError
    uses: tuple[object, ...]
    attempts: int
    until: float
    head: Cursor


class _State(Generic[R]):
    """What all instances of one index in this process share: the open reader, the locks, a build that failed."""

    def __init__(self, key: tuple[Any, ...], places: Places[Any], uses: tuple[object, ...]) -> None:
        self._key = key
        self.places = places
        self.uses = uses
        self.reset()

    def reset(self) -> None:
        """Forget what another process, this one's parent, has open."""
        self.guard = threading.Lock()
        self.served: Served[R] | None = None
        self.usage: Usage | None = None
        self.look_again = 0.0
        self.places.private = None

    @property
    def failure(self) -> _Failure | None:
        """The last build, if it failed. It is remembered also where each query makes an instance of its own."""
        return _failures.get(self._key)

    @failure.setter
    def failure(self, failure: _Failure | None) -> None:
        for key, kept in list(_failures.items()):
            if kept.until + LONGEST_PAUSE < monotonic():
                _failures.pop(key, None)
        if failure is None:
            _failures.pop(self._key, None)
        else:
            _failures[self._key] = failure


_states: weakref.WeakValueDictionary[Any, _State[Any]] = weakref.WeakValueDictionary()
_states_guard = threading.Lock()
_failures: dict[Any, _Failure] = {}


class CorpusIndex(ABC, Generic[R]):
    """What every index over the nodes of a corpus has, whether it is kept in files or in a database.

    It can be deleted at any time without loss. All instances over the same folder share one open reader, so that ten
    retrievers with different limits are not ten indexes; they may be shared between threads, and the folder between
    processes: one makes the next state, the others wait for it and use it. After a fork the child opens its own.

    Args:
        corpus: What the index is derived from.
        storage: The folder under which this corpus's indexes live.
        config: Every setting that the stored files depend on (analyzer, model fingerprint, …).
            Another config is another index.
        uses: Objects that an open reader holds and that ``config`` does not tell apart, such as the model that embeds
            queries. Instances with other objects do not share its reader.
        read_only: Whether nothing may be written under ``storage``; None for what ``corpus`` says of itself. The index
            is then kept in a temporary folder of this process, unless what is stored is up to date.
    """

    name: ClassVar[str]
    """The kind of index; part of its folder's name."""
    format_version: ClassVar[int]
    """Counts the changes to what `build` writes."""
    lock_timeout: ClassVar[float] = 600.0
    """Seconds to wait for another process that makes the next state."""
    rebuild_share: ClassVar[float] = REBUILD_SHARE
    """More changes than this share of the corpus's nodes are not applied; the index is built again."""
    retry_pause: ClassVar[float] = 2.0
    """Seconds before a build that failed is tried again; twice as many after each further failure."""

    look_pause: ClassVar[float] = 1.0
    """Seconds after which it is looked again whether somebody has written into the files that are open."""

    def __init__(
        self,
        corpus: Corpus,
        storage: Path,
        config: Mapping[str, Any],
        *,
        uses: Sequence[object] = (),
        read_only: bool | None = None,
    ) -> None:
        self.corpus = corpus
        self.config = dict(config)
        self.kind = Kind(self.name, self.format_version, canonical_json(self.config))
        described = canonical_json([self.name, self.format_version, self.config])
        folder = f"{self.name}-{hashlib.blake2b(described.encode(), digest_size=8).hexdigest()}"
        read_only = not getattr(corpus, "writable", True) if read_only is None else read_only
        self.folder = Path(os.path.abspath(storage)) / folder
        key = (type(self), self.folder, read_only, *map(id, uses))
        with _states_guard:
            state = _states.get(key)
            if state is None:
                places = Places(self.name, self.folder, self._place, read_only=read_only)
                state = _states[key] = _State(key, places, tuple(uses))
        self._state: _State[R] = state

    @classmethod
    @abstractmethod
    def _place(cls, folder: Path, read_only: bool) -> Any:
        """Return the place that keeps an index of this policy in ``folder``."""

    @abstractmethod
    def _store(self, place: Any) -> Store[Served[R]]:
        """Return the store of this index in ``place``."""

    @property
    def uses(self) -> tuple[object, ...]:
        """What an open reader holds, such as the model that embeds queries."""
        return self._state.uses

    @property
    def opened(self) -> R | None:
        """What was served last, by any instance of this index in this process; its open files may be used again."""
        served = self._state.served
        return None if served is None else served.reader

    @final
    def reader(self) -> R:
        """Return a reader that has applied every change committed before the call.

        Raises:
            DerivedIndexError: The index can be neither brought up to date nor built.
            BuildPostponedError: It could not be a moment ago, and is not tried again yet.
            StorageFullError: There is no space left for it; what is stored is intact.
            CorpusBusyError: Another process has been at it for longer than `lock_timeout`.
            DeadlineExceededError: Another query or process has been at it until the caller's deadline.
        """
        return self._current().reader

    @final
    def ask_at(self, search: Callable[[R], T]) -> tuple[T, Cursor]:
        """Return ``search(reader)`` and the place in the corpus's log that it is true of.

        Where the search fails because the index is damaged, it is rebuilt and asked again. An engine in another
        language may panic on damaged files; that, too, is only this index's failure.

        Args:
            search: Searches the index. It may raise `Misfit` for damage that it comes upon.

        Raises:
            DerivedIndexError: The engine panics, and does so again.
            RetrieverKitError: As `reader`; and whatever ``search`` raises on files that are intact.
        """
        failed: Served[R] | None = None
        while True:
            served = self._current()
            try:
                with without_panics():
                    return search(served.reader), served.cursor
            except RetrieverKitError:
                raise
            except Exception as error:
                if not served.is_there():  # it was replaced, or removed, while it was searched
                    continue
                panicked = isinstance(error, EnginePanic)
                if isinstance(error, Misfit):
                    problem = str(error)
                else:
                    problem = self._damage(served, thorough=panicked or type(error).__module__ == "sqlite3")
                if not problem and not panicked:
                    raise
                if failed is not None:
                    raise DerivedIndexError(f"index {self.name!r} cannot be searched: {shorten(error, 300)}") from error
                _log.warning("index %s: a search failed: %r; %s", self.name, error, problem or "it is opened again")
                failed = served
                self._renew(served, problem)

    @final
    def rebuild(self, reason: str) -> None:
        """Build the index again, whatever is stored, and record why.

        Args:
            reason: What was wrong with the old one, for the log and `status`.
        """
        with thread_lock(self._state.guard, f"index {self.name!r}"):
            self._state.failure = None
            self._built_again(reason)

    @final
    def status(self) -> IndexStatus:
        """Describe what is stored, without changing or catching up anything."""
        places = self._state.places
        status: IndexStatus = places.used.describe(self.corpus, hashes=False)
        status = dataclasses.replace(status, name=self.name, private=places.private is not None)
        if not status.problems and status.generation is not None:
            try:
                held = self._store(places.used).applied()
                if held is not None:
                    held.check_fit(self.kind, self.corpus)
            except Misfit as misfit:
                return dataclasses.replace(status, problems=(str(misfit),))
        return status

    @final
    def pending(self) -> Pending | None:
        """Return what the next query has to wait for, or None where the index is up to date. Nothing is changed."""
        served = self._state.served
        if served is not None and served.cursor == self.corpus.head() and served.is_there():
            return None
        held = self._held()
        with self.corpus.snapshot() as view:
            if held is None:
                return Pending(view.count(), None)
            if held.cursor == view.cursor:
                return None
            removed = set(view.removed(held.cursor))
            added = max(0, view.count() - held.nodes + len(removed))
            if len(removed) + added > self.rebuild_share * view.count():
                return Pending(view.count(), None)
            return Pending(added, held.cursor)

    def _held(self) -> Applied | None:
        """Return what is stored that fits, if anything is."""
        for place in self._state.places:
            try:
                held = self._store(place).applied()
                if held is not None:
                    held.check_fit(self.kind, self.corpus)
                    return held
            except (Misfit, OSError):
                continue
        return None

    @final
    def check(self) -> list[str]:
        """Compare every byte of what is stored with what was written, as far as its policy knows.

        What is found is rebuilt at the next use.

        Returns:
            What is wrong, one text each; nothing if all is right or nothing is stored.
        """
        with thread_lock(self._state.guard, f"index {self.name!r}"):
            return self._check()

    @final
    def drop(self) -> None:
        """Delete what is stored. The next use builds it again."""
        with thread_lock(self._state.guard, f"index {self.name!r}"):
            self._state.served = self._state.usage = self._state.failure = None
            self._state.places.drop()

    def _current(self) -> Served[R]:
        served = self._state.served
        if served is not None and self._is_at_head(served) and served.is_there():
            if self._is_unchanged(served):
                return served
            self._state.served = None
        with thread_lock(self._state.guard, f"index {self.name!r}"):
            served = self._state.served
            if served is None or not self._is_at_head(served) or not served.is_there():
                served = self._serve(self._stored_at_head() or self._caught_up())
            return served

    def _is_at_head(self, served: Served[R]) -> bool:
        if served.cursor == self.corpus.head():
            return True
        look_again()  # another thread may have gone on since the legs of this question looked
        return served.cursor == self.corpus.head()

    def _is_unchanged(self, served: Served[R]) -> bool:
        now = monotonic()
        if now < self._state.look_again:
            return True
        self._state.look_again = now + self.look_pause
        return served.unchanged()

    def _serve(self, served: Served[R]) -> Served[R]:
        """Answer from ``served`` from now on."""
        places = self._state.places
        read_only = places.read_only and served.place is places.stored
        self._state.usage = Usage(served.place.folder, read_only=read_only)
        self._state.served = served
        self._state.failure = None
        return served

    def _stored_at_head(self) -> Served[R] | None:
        """Open what is stored if it is up to date, without the lock."""
        for place in self._state.places:
            try:
                store = self._store(place)
                held = store.applied()
                if held is not None and held.cursor == self.corpus.head():
                    held.check_fit(self.kind, self.corpus)
                    store.verify()
                    return store.serve()
            except Exception as error:
                # Either it was replaced meanwhile or it is damaged: under the lock it will show.
                _log.debug("index %s: opening it without the lock failed: %r", self.name, error)
        return None

    def _caught_up(self) -> Served[R]:
        self._raise_if_postponed()
        return self._made(lambda store: catch_up(self.corpus, self.kind, store, rebuild_share=self.rebuild_share))

    def _built_again(self, reason: str) -> Served[R]:
        return self._serve(self._made(lambda store: build_again(self.corpus, self.kind, store, reason)))

    def _made(self, make: Callable[[Store[Served[R]]], Served[R]]) -> Served[R]:
        """Run ``make(store)`` where the index can be written, and remember if it fails."""

        def work(place: Any) -> Served[R]:
            with lifted(), without_panics():
                return make(self._store(place))

        look_again()  # what is made now may be of a newer state than was seen
        try:
            with during(self.name):
                return self._state.places.written(work)
        except _OF_THE_CALLER:
            raise
        except RetrieverKitError as error:
            self._remember(error)
            raise
        except Exception as error:
            told = storage_error(error, self._state.places.used.folder)
            self._remember(told)
            raise told from error

    def _remember(self, error: RetrieverKitError) -> None:
        before = self._state.failure
        attempts = before.attempts + 1 if before else 1
        pause = min(LONGEST_PAUSE, self.retry_pause * 2 ** (attempts - 1))
        kept = copy(error)  # without the frames of the build
        self._state.failure = _Failure(kept, self._state.uses, attempts, monotonic() + pause, self.corpus.head())

    def _raise_if_postponed(self) -> None:
        """Do not try again too soon what has just failed.

        What may be mended by waiting is tried again after the pause; what lies in the documents, as soon as they have
        changed.
        """
        failure = self._state.failure
        if failure is None or (not failure.error.retryable and failure.head != self.corpus.head()):
            return
        left = failure.until - monotonic()
        if left > 0:
            told = shorten(f"{type(failure.error).__name__}: {failure.error.message}", 300)
            raise BuildPostponedError(
                self.name, failure=told, attempts=failure.attempts, retry_after=left, fix=failure.error.fix
            ) from failure.error

    def _damage(self, served: Served[R], *, thorough: bool) -> str:
        """Return what is wrong with the files that ``served`` answers from, or an empty string."""
        try:
            if thorough:
                return next(iter(self.check()), "")
            self._store(served.place).verify()
        except Misfit as misfit:
            return str(misfit)
        return ""

    def _renew(self, failed: Served[R], problem: str) -> None:
        """Open the index again after a search failed, rebuilt if it is damaged; once, however many searches failed."""
        with thread_lock(self._state.guard, f"index {self.name!r}"):
            if self._state.served is failed or self._state.served is None:
                self._state.served = None
                if problem:
                    self._built_again(problem)

    def _check(self) -> list[str]:
        place = self._state.places.used
        found: list[str] = []
        while True:
            status = place.describe(self.corpus, hashes=True)
            found = list(status.problems)
            if not found and status.generation is not None:
                try:
                    held = self._store(place).applied()
                    if held is not None:
                        held.check_fit(self.kind, self.corpus)
                except Misfit as misfit:
                    found = [str(misfit)]
            # What was found may only have been its replacement by another process.
            if not found or place.describe(self.corpus, hashes=False).generation == status.generation:
                break
        if found:
            self._state.served = None
        return found


def _reopen_after_fork() -> None:
    global _states_guard
    _states_guard = threading.Lock()
    for state in list(_states.values()):
        state.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reopen_after_fork)
