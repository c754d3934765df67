"""The user's cache folder: a copy for each set of paths that was searched, and how much room they may take.

<cache>/searched/
  NAME/            a copy: an index
  NAME.json        the paths it is of; its time is that of the last use
  NAME.lock        held by whoever reads the files again, or removes the copy
  NAME.users       held, shared, by every process that searches the copy
  NAME.gone-<id>/  a copy that is being removed, or that a dead process was removing
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import time
from uuid import uuid4

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from retrieverkit.regular_files import read_regular, write_whole
from retrieverkit_core.errors import ConfigError, ReadOnlyCorpusError, UsageError, shorten

try:
    import fcntl
except ImportError:  # Windows, which does not let a folder be renamed while somebody has its files open
    fcntl = None  # type: ignore[assignment]

LIMIT_VARIABLE = "RETRIEVERKIT_CACHE_LIMIT"
"""Names how many bytes the copies may take together."""

DEFAULT_LIMIT = "2 GB"

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([a-zA-Z]{0,2})\s*")
_NAME = re.compile(r"[0-9a-f]{32}")
_GONE = re.compile(r"[0-9a-f]{32}\.gone-[0-9a-f]{32}")
_BESIDE = (".json", ".lock", ".users")
_PRIVATE = 0o700
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """That this process searches a copy."""

    descriptor: int | None

    def end(self) -> None:
        """Let the copy go."""
        if self.descriptor is not None:
            os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy.

    Attributes:
        folder: Its index.
    """

    folder: Path

    def lock(self) -> FileLock:
        """Return the lock that is held by whoever changes it as a whole."""
        return FileLock(self._beside(".lock"), mode=0o600)

    def used_by_this_process(self, paths: Sequence[Path]) -> Use:
        """Note that it is of ``paths`` and is used now; until that ends nobody removes it. Needs the lock."""
        record = self._beside(".json")
        resolved = [os.path.realpath(path) for path in paths]
        if self.paths != resolved:
            write_whole(record, json.dumps(resolved))
        with suppress(OSError):
            os.utime(record)
        descriptor = _opened(self._beside(".users"))
        if descriptor is not None and fcntl is not None:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        return Use(descriptor)

    @property
    def paths(self) -> list[str]:
        """The paths that it is of; none where that is not known."""
        with suppress(OSError, ValueError):
            told = json.loads(read_regular(self._beside(".json"), _LARGEST))
            if isinstance(told, list):
                return [path for path in told if isinstance(path, str)]
        return []

    @property
    def last_used(self) -> float:
        """When it was last used, in seconds since the epoch."""
        for place in (self._beside(".json"), self.folder):
            with suppress(OSError):
                return place.stat().st_mtime
        return 0.0

    @property
    def size(self) -> int:
        """The bytes of its files."""
        from retrieverkit.cli.index_facts import files_below

        return sum(status.st_size for _, status in files_below(self.folder))

    def removed(self, before: float | None = None) -> bool:
        """Remove it unless a process uses it, and return whether it is gone.

        Args:
            before: Only if it was last used before that time.
        """
        try:
            with self.lock().acquire(timeout=0), self._unused() as free:
                if not free or (before is not None and self.last_used >= before):
                    return False
                self.discard()
                return True
        except (Timeout, OSError):
            return False

    def discard(self) -> None:
        """Remove it. Needs the lock. A process that is killed here leaves no half copy under its name."""
        gone = self._beside(f".gone-{uuid4().hex}")
        self._beside(".json").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def _unused(self) -> Iterator[bool]:
        descriptor = _opened(self._beside(".users"))
        try:
            yield descriptor is not None and _locked_alone(descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}{suffix}")


def copies() -> list[Copy]:
    """Return all copies, the one that was used last first; a folder with nothing of ours beside it is not one."""
    try:
        entries = list(os.scandir(_place()))
    except OSError:
        return []
    every = {entry.name for entry in entries}
    names = [entry.name for entry in entries if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
    found = [Copy(_place() / name) for name in names if any(f"{name}{suffix}" in every for suffix in _BESIDE)]
    return sorted(found, key=lambda copy: -copy.last_used)


def make_room(kept: Copy, limit: int) -> None:
    """Remove the copies that were not used for longest until all together take at most ``limit`` bytes.

    Neither ``kept`` nor a copy that a process uses is removed.
    """
    sweep()
    every = copies()
    sizes = {copy: copy.size for copy in every}
    total = sum(sizes.values())
    for copy in reversed(every):
        if total <= limit:
            return
        if copy != kept and copy.removed():
            total -= sizes[copy]


def sweep() -> None:
    """Remove what a process that died while it removed a copy has left."""
    for gone in _place().glob("*.gone-*"):
        if _GONE.fullmatch(gone.name):
            shutil.rmtree(gone, ignore_errors=True)


def limit_of_cache() -> int:
    """Return how many bytes the copies may take together.

    Raises:
        ConfigError: The environment names something else than a size.
    """
    written = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    found = _SIZE.fullmatch(written)
    unit = _UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise ConfigError(
            f"{LIMIT_VARIABLE} is {shorten(repr(written), 60)}, not a size", fix=f"write it like {DEFAULT_LIMIT!r}"
        )
    return int(float(found[1]) * unit)


def seconds_of(age: str) -> float:
    """Return the seconds of an age such as ``30d``.

    Raises:
        UsageError: It is not one.
    """
    found = re.fullmatch(r"([0-9]{1,6})\s*([mhdw])", age.strip())
    if found is None:
        raise UsageError(f"{shorten(repr(age), 40)} is not an age", fix="write it like 30d; there are m, h, d and w")
    return int(found[1]) * {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}[found[2]]


def clear(older_than: float | None) -> tuple[list[Copy], list[Copy], int]:
    """Remove copies that no process uses.

    Args:
        older_than: Only those that were not used for so many seconds; None for all.

    Returns:
        What was removed, what was to be removed and is in use, and how many bytes are free now.
    """
    sweep()
    before = None if older_than is None else time() - older_than
    removed, used, freed = [], [], 0
    for copy in copies():
        if before is not None and copy.last_used >= before:
            continue
        size = copy.size
        if copy.removed(before):
            removed.append(copy)
            freed += size
        else:
            used.append(copy)
    return removed, used, freed


def cache_folder() -> Path:
    """Return the folder of the copies, made if it is not there.

    Raises:
        ReadOnlyCorpusError: It cannot be made.
    """
    folder = _place()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_private(folder)
    except OSError as error:
        raise ReadOnlyCorpusError(
            f"the cache folder {folder} cannot be made: {error.strerror}",
            fix="keep the index yourself: retriever index PATH... --index FOLDER, or set XDG_CACHE_HOME",
        ) from error
    return folder


def make_private(folder: Path) -> None:
    """Make a folder that the user alone can read."""
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(_PRIVATE)


def _place() -> Path:
    return user_cache_path("retrieverkit") / "searched"


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        return None


def _locked_alone(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody uses it, or nobody can tell
        return False
    return True
