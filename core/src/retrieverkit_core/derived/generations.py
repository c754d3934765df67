"""The folder of one derived index: one generation is current, the next is made beside it and takes its place at once.

    <folder>/
      lock            held by whoever makes a generation
      CURRENT         the name of the current generation; replaced, never written in place
      gen-<id>/       a generation: the author's files and ``manifest.json``; never changed once it has this name
      tmp-<id>/       a generation in the making; without the lock's holder it is a dead process's leftover

Nothing is forced to the disk: what a power cut tears, the checksums find, and the index is made again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from retrieverkit_core.derived.manifest import MANIFEST_NAME, FileMark, Manifest, Misfit, mark_file, misfits
from retrieverkit_core.errors import CorpusBusyError, DerivedIndexError

CURRENT_NAME = "CURRENT"
LOCK_NAME = "lock"

_verified: set[tuple[str, str]] = set()
"""Generations whose hashes this process has compared, as (folder, digest of all files)."""


class Generation(NamedTuple):
    """A published generation."""

    folder: Path
    manifest: Manifest

    @property
    def _identity(self) -> tuple[str, str]:
        return str(self.folder), str(hash(tuple(sorted(self.manifest.files.items()))))

    def trust(self) -> None:
        """Remember that this process has written or compared every byte of the files."""
        _verified.add(self._identity)

    def distrust(self) -> None:
        """Have the hashes compared again before the next use."""
        _verified.discard(self._identity)

    def verify(self) -> None:
        """Compare the files with the manifest; the hashes only once in a process.

        Raises:
            Misfit: A file is missing, or is not what was written.
        """
        found = misfits(self.manifest, self.folder, hashes=self._identity not in _verified)
        if found:
            raise Misfit(found[0])
        self.trust()


class Generations:
    """The generations of one derived index in one folder.

    Args:
        folder: The folder; it is made when something is first published.
        lock_timeout: Seconds to wait for another process that makes a generation.
    """

    def __init__(self, folder: Path, lock_timeout: float) -> None:
        self.folder = folder
        self._lock_timeout = lock_timeout

    def current(self) -> Generation | None:
        """Return the current generation, its files not yet verified, or None where there is none.

        Raises:
            Misfit: There is one and its manifest cannot be used.
        """
        try:
            name = (self.folder / CURRENT_NAME).read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Misfit(f"{CURRENT_NAME} cannot be read ({type(error).__name__})") from error
        if not name.startswith("gen-") or not name.isprintable() or "/" in name or "\\" in name:
            raise Misfit(f"{CURRENT_NAME} does not name a generation")
        folder = self.folder / name
        return Generation(folder, Manifest.read(folder))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this folder against other processes and threads, and clear away what dead ones left.

        Raises:
            CorpusBusyError: It was held by another for too long.
            OSError: The folder cannot be written to.
        """
        import filelock

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / LOCK_NAME, timeout=self._lock_timeout)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise CorpusBusyError(
                f"another process has been building the index in {self.folder} for over {self._lock_timeout:g} s",
                fix="try again later",
            ) from error
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def begin(self, base: Generation | None) -> Path:
        """Make the folder of a new generation; with ``base``, holding hard links to its files. Needs the lock."""
        draft = self.folder / f"tmp-{uuid4().hex}"
        draft.mkdir()
        for name in base.manifest.files if base else ():
            target = draft / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(base.folder / name, target)  # type: ignore[union-attr]
        return draft

    def publish(self, draft: Path, manifest: Manifest, base: Generation | None) -> Generation:
        """Make ``draft`` the current generation and remove the older ones. Needs the lock.

        Args:
            draft: The folder that `begin` gave, with all files in place.
            manifest: The manifest to store; its ``files`` are filled in here.
            base: The generation whose hashes still hold for the files linked from it.

        Raises:
            DerivedIndexError: A file of ``base`` was written to.
        """
        manifest = _with_files(manifest, _mark_files(draft, base))
        manifest.write(draft)
        generation = Generation(self.folder / f"gen-{draft.name.removeprefix('tmp-')}", manifest)
        draft.rename(generation.folder)
        pointer = self.folder / f"tmp-{uuid4().hex}"
        pointer.write_text(generation.folder.name, "utf-8")
        os.replace(pointer, self.folder / CURRENT_NAME)
        generation.trust()
        self._sweep(keep=generation.folder.name)
        return generation

    def clear(self) -> None:
        """Remove everything but the lock. Needs the lock."""
        (self.folder / CURRENT_NAME).unlink(missing_ok=True)
        self._sweep()

    def _sweep(self, keep: str | None = None) -> None:
        if keep is None:
            try:
                keep = (self.folder / CURRENT_NAME).read_text("utf-8")
            except (OSError, ValueError):
                keep = ""
        for entry in list(self.folder.iterdir()):
            if entry.name.startswith(("gen-", "tmp-")) and entry.name != keep:
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        shutil.copy2(source, target)  # a file system without hard links


def _mark_files(draft: Path, base: Generation | None) -> dict[str, FileMark]:
    """Return the marks of all files, from ``base`` for those that are still its own."""
    marks = {}
    for path in sorted(path for path in draft.rglob("*") if path.is_file()):
        name = path.relative_to(draft).as_posix()
        if name == MANIFEST_NAME:
            continue
        mark = _inherited(path, base.folder / name, base.manifest.files.get(name)) if base else None
        marks[name] = mark or mark_file(path)
    return marks


def _inherited(path: Path, source: Path, mark: FileMark | None) -> FileMark | None:
    if mark is None or not os.path.samefile(path, source):
        return None
    now = mark_file(path) if path.stat().st_size != mark.size else mark
    if now != mark:
        raise DerivedIndexError(f"an update wrote into {path.name}, which the generation before it shares")
    return mark


def _with_files(manifest: Manifest, files: Mapping[str, FileMark]) -> Manifest:
    from dataclasses import replace

    return replace(manifest, files=files)
