"""Forked children: to see what another process sees, and what a killed one leaves behind."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

_WRITES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def can_fork() -> bool:
    """Return whether this system has fork."""
    return hasattr(os, "fork")


def in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a forked child and return its status as `os.waitpid` does: 0 where it ended without an error.

    What it raises is printed, and makes the status 256.
    """
    return in_children(work)[0]


def in_children(*works: Callable[[], object]) -> list[int]:
    """Run each of ``works`` in a forked child, all at once, and return their statuses as `in_child` does."""
    return [os.waitpid(child, 0)[1] for child in [_started(work) for work in works]]


def _started(work: Callable[[], object]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is what is tested
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def killed_at_write(step: int, folder: Path, work: Callable[[], object]) -> int:
    """Run ``work`` in a child that is killed before its ``step``-th change to files in ``folder``, counted from 1.

    Returns:
        The child's status; 0 where it made fewer changes.
    """
    return in_child(lambda: _run_to(step, folder, work, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def count_writes(folder: Path, work: Callable[[], object]) -> int:
    """Return how many changes to files in ``folder`` a child makes that runs ``work``."""
    reading, writing = os.pipe()

    def counted() -> None:
        made = _run_to(0, folder, work, lambda: None)
        os.write(writing, str(made).encode())

    try:
        in_child(counted)
        os.close(writing)
        return int(os.read(reading, 32) or b"0")
    finally:
        os.close(reading)


def _run_to(step: int, folder: Path, work: Callable[[], object], end: Callable[[], object]) -> int:
    """Run ``work``; call ``end`` before its ``step``-th change. Return how many there were."""
    seen = 0
    place = str(folder)

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        paths = [str(each) for each in arguments[:2] if isinstance(each, (str, Path))]
        if is_write(event, arguments) and any(path.startswith(place) for path in paths):
            seen += 1
            if seen == step:
                end()

    sys.addaudithook(count)
    work()
    return seen


def is_write(event: str, arguments: tuple[object, ...]) -> bool:
    """Return whether an audit event is that of a change to the file system."""
    return event in _WRITES or (event == "open" and _writes(arguments))


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)
