"""Folders for throw-away copies: private, removed when they are done with, also those of processes that were killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays until the system tidies its temporary folder
    fcntl = None  # type: ignore[assignment]

_PREFIX = "retrieverkit-cypher-"
_LOCK = "retrieverkit-in-use"
_ABANDONED = 3600.0
"""Seconds after which a folder without a lock is nobody's: its process died as it made it."""


class PrivateFolder:
    """A new folder that goes when this object does, or when another one is made after the process was killed."""

    def __init__(self) -> None:
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        new = self.path / (_LOCK if fcntl is None else "new")
        try:
            self._lock = os.open(new, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError:
            self.path.rmdir()
            raise
        if fcntl is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            new.rename(self.path / _LOCK)  # only now: nobody finds it without the lock
        self._finalizer = weakref.finalize(self, _removed, self.path, self._lock, os.getpid())

    def remove(self) -> None:
        """Remove the folder now."""
        self._finalizer()


def off_the_loop(work: Callable[[], None]) -> None:
    """Do what blocks; in a thread where an event loop runs in this one, whose collector came to it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
    else:
        threading.Thread(target=work, name="retrieverkit-cypher-clearing").start()


def _removed(path: Path, lock: int, owner: int) -> None:
    os.close(lock)
    if os.getpid() == owner:  # and not a process forked from it
        off_the_loop(lambda: shutil.rmtree(path, ignore_errors=True))


def _sweep() -> None:
    """Remove this user's folders whose processes are gone."""
    if fcntl is None:
        return
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            if _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def _abandoned(path: Path) -> bool:
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - path.stat().st_mtime > _ABANDONED
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
