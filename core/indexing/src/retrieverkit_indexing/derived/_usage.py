"""Which process answers from a folder: what other processes look at before they remove it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns

from retrieverkit_indexing.derived._applied import Misfit

try:
    import fcntl
except ImportError:  # Windows, which does not let a folder go while somebody has its files open
    fcntl = None  # type: ignore[assignment]

USERS_NAME = "users"


class Usage:
    """Tells other processes, for as long as it lives, that this one answers from ``folder``.

    Args:
        folder: The folder of an index.
        read_only: Whether nothing may be written, not even the time of this opening.

    Raises:
        Misfit: It is being removed at this moment.
    """

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._descriptor = _opened(folder / USERS_NAME, create=not read_only)
        if self._descriptor is None:
            return
        if not read_only:
            try:
                os.utime(self._descriptor, ns=(time_ns(), time_ns()))  # the system's own clock is too coarse
            except OSError:
                pass  # another user's file
        if not _locked(self._descriptor, shared=True):
            raise Misfit("it is being removed")

    def __del__(self) -> None:
        descriptor = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Yield whether no live process answers from ``folder``; until the block ends, none begins to."""
    descriptor = _opened(folder / USERS_NAME, create=True)
    try:
        yield descriptor is not None and fcntl is not None and _locked(descriptor, shared=False)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def last_used(folder: Path) -> float | None:
    """Return when a process last opened the index in ``folder``, in seconds since the epoch; None if unknown."""
    try:
        return os.stat(folder / USERS_NAME).st_mtime
    except OSError:
        return None


def remove_abandoned(pattern: str, parent: Path) -> None:
    """Remove this user's folders in ``parent`` that dead processes answered from."""
    for users in parent.glob(f"{pattern}/{USERS_NAME}"):
        try:
            mine = not hasattr(os, "getuid") or users.stat().st_uid == os.getuid()
            with unused(users.parent) as abandoned:
                if mine and abandoned:
                    shutil.rmtree(users.parent, ignore_errors=True)
        except OSError:
            continue


def _opened(path: Path, *, create: bool) -> int | None:
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, os.O_RDONLY | flags)
    except OSError:
        if not create:
            return None
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)
    except OSError:
        return None


def _locked(descriptor: int, *, shared: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody can tell, so nobody removes
        return shared
    return True
