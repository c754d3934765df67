"""Waiting until something changes below some paths: told by the system where that can be, else by looking."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit.reading import FileRules

Look = Mapping[str, tuple[int, ...]]
"""What tells each file from what it was, by its path."""

_SHARE = 10
"""At most one part in so many of the time is spent looking."""

_DEBOUNCE_MS = 400
"""Changes that come within so many milliseconds are one."""

_LOOK_AFTER_MS = 2_000
"""Milliseconds after which it is looked whether the paths themselves are still what they were."""


def look(paths: Sequence[Path], exclude: Path, rules: FileRules) -> Look:
    """Return what the files under ``paths`` look like, and the paths that are not there."""
    from retrieverkit.reading import find_files

    listing = find_files(paths, exclude=[exclude], rules=rules)
    seen: dict[str, tuple[int, ...]] = dict.fromkeys((*listing.missing, *listing.unknown), ())
    for file in listing.files:
        with suppress(OSError):
            status = os.stat(file.source)
            seen[file.source] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return seen


class Watch:
    """Yields each time that something has changed.

    Args:
        paths: Files and folders.
        looked: Returns what they look like now.
        interval: Seconds between two looks where the system does not tell of changes.
        poll: Whether to look in any case, as network disks need it.
    """

    def __init__(self, paths: Sequence[Path], looked: Callable[[], Look], interval: float, *, poll: bool) -> None:
        self._paths = paths
        self._looked = looked
        self._interval = interval
        self._stop = threading.Event()
        self._module: Any = None
        if not poll:
            with suppress(ImportError):
                self._module = import_module("watchfiles")

    @property
    def by_system(self) -> bool:
        """Whether the system tells of changes."""
        return self._module is not None

    def changes(self, known: Look, again: Callable[[], bool]) -> Iterator[Look]:
        """Yield what the files look like, whenever that differs from the last time or something is to be done again.

        Args:
            known: What they looked like at the beginning.
            again: Whether what was done at the last time has to be done again.
        """
        for _ in self._hints(again):
            now = self._looked()
            if now != known or again():
                known = now
                yield now

    def _hints(self, again: Callable[[], bool]) -> Iterator[None]:
        spent = 0.0
        while True:
            if self._module is None:
                self._stop.wait(max(self._interval, _SHARE * spent))
            else:
                yield from self._told(again)
            begun = monotonic()
            yield
            spent = monotonic() - begun

    def _told(self, again: Callable[[], bool]) -> Iterator[None]:
        """Yield at each change that the system tells of, and while something is to be done again.

        It ends when one of the paths comes, goes or is another one.
        """
        there = self._identities()
        if not there:
            self._stop.wait(self._interval)
            return
        begins = True
        try:
            for changes in self._module.watch(
                *there,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                rust_timeout=_LOOK_AFTER_MS,
                yield_on_timeout=True,
                raise_interrupt=True,
            ):
                if self._identities() != there:
                    return
                if changes or begins or again():  # what changed before it was listened for is told by nobody
                    begins = False
                    yield
        except (OSError, RuntimeError):  # too many folders for the system, or a path that went just now
            if self._identities() == there:
                self._module = None

    def _identities(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in self._paths:
            with suppress(OSError):
                status = os.stat(path)
                found[os.fspath(path)] = (status.st_dev, status.st_ino)
        return found
