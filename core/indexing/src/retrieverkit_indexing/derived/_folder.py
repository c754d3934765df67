"""The folder of one index: one state is current, and another takes its place at once.

<folder>/
  lock            held by whoever writes
  users           held, shared, by every process that answers from this folder; its time is that of the last opening
  CURRENT         the name of the current generation; replaced, never written in place
  VERIFIED        what the current generation's files looked like when all of them were known to be right
  gen-<id>/       a generation
  tmp-<id>/       a generation in the making; while nobody holds the lock, a dead process's leftover
  unfinished/     a build that can be resumed, and beside it ``unfinished.json``: where it began
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns
from uuid import uuid4

from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_indexing.derived._applied import Applied, Misfit
from retrieverkit_indexing.derived._files import read_record, replace
from retrieverkit_indexing.derived._manifest import sealed, unsealed
from retrieverkit_indexing.derived._usage import USERS_NAME
from retrieverkit_indexing.derived._verified import VERIFIED_NAME
from retrieverkit_indexing.derived._waiting import file_lock

CURRENT_NAME = "CURRENT"
LOCK_NAME = "lock"
_UNFINISHED, _UNFINISHED_RECORD = "unfinished", "unfinished.json"


class IndexFolder:
    """The folder of one index, whatever its generations consist of.

    Args:
        folder: The folder; it is made when it is first locked.
        lock_timeout: Seconds to wait for another process that writes.
        read_only: Whether nothing may be written, not even what was verified.
    """

    def __init__(self, folder: Path, lock_timeout: float, *, read_only: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self._lock_timeout = lock_timeout

    def current_folder(self) -> Path | None:
        """Return the folder of the current generation, or None where there is none.

        Raises:
            Misfit: What says which it is cannot be used.
        """
        try:
            name = read_record(self.folder / CURRENT_NAME).decode("ascii")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Misfit(f"{CURRENT_NAME} cannot be read ({getattr(error, 'strerror', 'not text')})") from error
        if not (name.startswith("gen-") and name.removeprefix("gen-").isalnum()):
            raise Misfit(f"{CURRENT_NAME} does not name a generation")
        return self.folder / name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder against other processes and threads, cleared of what dead ones left.

        Raises:
            CorpusBusyError: Another held it for too long.
            DeadlineExceededError: Another held it until the caller's deadline.
            OSError: The folder cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self.folder / LOCK_NAME
        is_new = not lock.exists()
        with file_lock(lock, self._lock_timeout, f"the index in {self.folder}"):
            if is_new:
                os.utime(lock, ns=(time_ns(), time_ns()))
            self._sweep()
            yield

    def new_folder(self) -> Path:
        """Make the folder of a new generation. Needs the lock."""
        folder = self.folder / f"tmp-{uuid4().hex}"
        folder.mkdir()
        return folder

    def unfinished_folder(self, applied: Applied, corpus: Corpus) -> Path:
        """Return the folder of a build from nothing that goes on where an earlier attempt was stopped. Needs the lock.

        What was left from another time line of the corpus is thrown away, as its ordinals may be other nodes'.
        """
        folder = self.folder / _UNFINISHED
        if not self._can_resume(applied, corpus):
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        began = {"config": applied.kind.config, "cursor": list(applied.cursor)}
        replace(self.folder / _UNFINISHED_RECORD, sealed(began), self.folder / f"tmp-{uuid4().hex}")
        return folder

    def _can_resume(self, applied: Applied, corpus: Corpus) -> bool:
        try:
            began = unsealed(read_record(self.folder / _UNFINISHED_RECORD))
            return bool(began["config"] == applied.kind.config and corpus.holds(Cursor(*began["cursor"])))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def take_over(self, folder: Path) -> Path:
        """Make ``folder`` the current generation, remove the one before, and return its new name. Needs the lock."""
        generation = self.folder / f"gen-{uuid4().hex}"
        folder.rename(generation)
        replace(self.folder / CURRENT_NAME, generation.name.encode("ascii"), self.folder / f"tmp-{uuid4().hex}")
        (self.folder / _UNFINISHED_RECORD).unlink(missing_ok=True)
        self._sweep()
        return generation

    def clear(self) -> None:
        """Remove all that is in the folder, whoever put it there, but for the lock. Needs the lock.

        Who waits for the lock makes the folder again once it is gone: nothing may be removed after that.
        """
        for entry in list(os.scandir(self.folder)):
            if entry.name == LOCK_NAME:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything, the folder and the lock too. Needs the lock."""
        for name in (CURRENT_NAME, VERIFIED_NAME, USERS_NAME, _UNFINISHED_RECORD):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / _UNFINISHED, ignore_errors=True)
        self._sweep()
        (self.folder / LOCK_NAME).unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # somebody has put a file there, or waits for the lock
            pass

    def _sweep(self) -> None:
        """Remove generations, finished or not, that are not current."""
        try:
            keep = read_record(self.folder / CURRENT_NAME).decode("ascii")
        except (OSError, ValueError):
            keep = ""
        for entry in list(os.scandir(self.folder)):
            if entry.name.startswith(("gen-", "tmp-")) and entry.name != keep:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    Path(entry.path).unlink(missing_ok=True)
