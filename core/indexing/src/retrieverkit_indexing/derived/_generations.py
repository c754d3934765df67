"""The folder of one derived index: one generation is current, the next takes its place at once.

    <folder>/
      lock            held by whoever makes a generation
      CURRENT         the name of the current generation; replaced, never written in place
      gen-<id>/       a generation: the author's files and ``manifest.json``; never changed any more
      tmp-<id>/       a generation in the making; while nobody holds the lock, a dead process's leftover

Nothing is forced to the disk: what a power cut tears, the checksums find, and the index is made again.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from retrieverkit_core.errors import CorpusBusyError, DerivedIndexError
from retrieverkit_indexing.derived._manifest import MANIFEST_NAME, FileMark, Manifest, Misfit, mark_file, misfits

CURRENT_NAME = "CURRENT"
LOCK_NAME = "lock"

_verified: dict[Path, Mapping[str, FileMark]] = {}
"""The files whose every byte this process has written or compared, by the folder of their generation."""


class Generation(NamedTuple):
    """A published generation."""

    folder: Path
    manifest: Manifest

    def trust(self) -> None:
        """Remember that this process knows every byte of the files."""
        _verified[self.folder] = self.manifest.files

    def distrust(self) -> None:
        """Have the hashes compared again before the next use."""
        _verified.pop(self.folder, None)

    def verify(self) -> None:
        """Compare the files with the manifest; their hashes only once in a process.

        Raises:
            Misfit: A file is missing, or is not what was written.
        """
        found = misfits(self.manifest, self.folder, hashes=_verified.get(self.folder) != self.manifest.files)
        if found:
            raise Misfit(found[0])
        self.trust()


class Draft(NamedTuple):
    """A generation in the making.

    Attributes:
        folder: Where its files go.
        base: The generation that it shares files with, or None.
        shared: What each shared file looked like when it was linked, by its relative path.
    """

    folder: Path
    base: Generation | None
    shared: Mapping[str, tuple[int, ...]]

    def mark_files(self) -> dict[str, FileMark]:
        """Return the size and hash of every file; those of shared files are known.

        Raises:
            DerivedIndexError: A shared file was written to.
        """
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
        return {path.relative_to(self.folder).as_posix(): self._mark(path) for path in paths}

    def _mark(self, path: Path) -> FileMark:
        name = path.relative_to(self.folder).as_posix()
        before, now = self.shared.get(name), _look(path)
        if self.base is None or before is None or before[0] != now[0]:
            return mark_file(path)
        if before != now:
            self.base.distrust()
            raise DerivedIndexError(f"an update wrote into {name}, which it shares with the generation before it")
        return self.base.manifest.files[name]


class Generations:
    """The generations of one derived index in one folder.

    Args:
        folder: The folder; it is made when it is first locked.
        lock_timeout: Seconds to wait for another process that makes a generation.
    """

    def __init__(self, folder: Path, lock_timeout: float) -> None:
        self.folder = folder
        self._lock_timeout = lock_timeout

    def current(self) -> Generation | None:
        """Return the current generation, its files not yet verified, or None where there is none.

        Raises:
            Misfit: There is one, and it cannot be used.
        """
        try:
            name = (self.folder / CURRENT_NAME).read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Misfit(f"{CURRENT_NAME} cannot be read ({type(error).__name__})") from error
        if not (name.startswith("gen-") and name.removeprefix("gen-").isalnum()):
            raise Misfit(f"{CURRENT_NAME} does not name a generation")
        folder = self.folder / name
        return Generation(folder, Manifest.read(folder))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder against other processes and threads, cleared of what dead ones left.

        Raises:
            CorpusBusyError: Another held it for too long.
            OSError: The folder cannot be written to.
        """
        import filelock

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / LOCK_NAME, timeout=self._lock_timeout)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise CorpusBusyError(
                f"the index in {self.folder} has been in the making elsewhere for {self._lock_timeout:g} s",
                fix="try again later",
            ) from error
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def begin(self, base: Generation | None) -> Draft:
        """Make the folder of a new generation, with hard links to the files of ``base``. Needs the lock."""
        draft = Draft(self.folder / f"tmp-{uuid4().hex}", base, shared := {})
        draft.folder.mkdir()
        for name in base.manifest.files if base else ():
            target = draft.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(base.folder / name, target)  # type: ignore[union-attr]
            shared[name] = _look(target)
        return draft

    def publish(self, draft: Draft, manifest: Manifest) -> Generation:
        """Make ``draft`` the current generation and remove the older ones. Needs the lock.

        Args:
            draft: What `begin` gave, with every file in place.
            manifest: The manifest to store; its ``files`` are filled in here.

        Raises:
            DerivedIndexError: A file shared with the generation before was written to.
        """
        manifest = dataclasses.replace(manifest, files=draft.mark_files())
        manifest.write(draft.folder)
        generation = Generation(self.folder / f"gen-{uuid4().hex}", manifest)
        draft.folder.rename(generation.folder)
        pointer = self.folder / f"tmp-{uuid4().hex}"
        pointer.write_text(generation.folder.name, "utf-8")
        os.replace(pointer, self.folder / CURRENT_NAME)
        generation.trust()
        self._sweep()
        return generation

    def clear(self) -> None:
        """Remove the current generation. Needs the lock."""
        (self.folder / CURRENT_NAME).unlink(missing_ok=True)
        self._sweep()

    def remove(self) -> None:
        """Remove everything, the folder and the lock too. Needs the lock."""
        self.clear()
        (self.folder / LOCK_NAME).unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # somebody has put a file there, or waits for the lock
            pass

    def _sweep(self) -> None:
        """Remove what is neither current nor the lock."""
        try:
            keep = (self.folder / CURRENT_NAME).read_text("utf-8")
        except (OSError, ValueError):
            keep = ""
        for entry in list(self.folder.iterdir()):
            if entry.name.startswith(("gen-", "tmp-")) and entry.name != keep:
                _verified.pop(entry, None)
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)


def _look(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is replaced (the first number) or written to (the others)."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
