"""Waiting for who makes an index, in this process and in others, no longer than the caller has time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import CorpusBusyError, DeadlineExceededError


@contextmanager
def thread_lock(lock: threading.Lock, who: str) -> Iterator[None]:
    """Hold ``lock``, which another thread holds while it builds.

    Raises:
        DeadlineExceededError: It was held until the caller's deadline.
    """
    left = remaining()
    if not lock.acquire(timeout=-1 if left is None else left):
        raise DeadlineExceededError(f"{who}, which another query is building,", left or 0.0)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def file_lock(path: Path, limit: float, who: str) -> Iterator[None]:
    """Hold the lock file, which another process holds while it builds.

    Args:
        path: The lock file.
        limit: Seconds to wait where the caller has no deadline, or a later one.
        who: What is waited for.

    Raises:
        CorpusBusyError: It was held for longer than ``limit``.
        DeadlineExceededError: It was held until the caller's deadline.
        OSError: The file cannot be made.
    """
    import filelock

    left = remaining()
    lock = filelock.FileLock(path, timeout=limit if left is None else min(limit, left))
    try:
        lock.acquire()
    except filelock.Timeout as error:
        if left is not None and left < limit:
            raise DeadlineExceededError(f"{who}, which another process is building,", left) from error
        raise CorpusBusyError(
            f"{who} has been in the making elsewhere for {limit:g} s", fix="try again later"
        ) from error
    try:
        yield
    finally:
        lock.release()
