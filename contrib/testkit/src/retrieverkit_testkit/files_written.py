"""Files that code leaves behind, seen by the interpreter's audit events."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from retrieverkit_testkit.children import is_write

_watching: list[set[str]] = []
_hooked: list[bool] = []
_NOT_LOOKED_AT = ("/dev/", "/proc/", "/sys/", "/run/")
_LOOKED_AT = "/dev/shm/"  # noqa: S108 - a folder in memory, which tests may write to


def left_outside(work: Callable[[], str]) -> list[Path]:
    """Run ``work`` and return the files that it wrote and that are still there, but for those in the folder it names.

    Args:
        work: What is run; it returns the folder that it may write to, or "".
    """
    if not _hooked:
        sys.addaudithook(_seen)
        _hooked.append(True)
    written: set[str] = set()
    _watching.append(written)
    try:
        own = work()
    finally:
        _watching.remove(written)
    return [path for path in sorted(map(Path, written)) if path.exists() and not _is_expected(path, own)]


def _seen(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and is_write(event, arguments):
        for each in arguments[:2]:
            if isinstance(each, (str, os.PathLike)):
                for written in _watching:
                    written.add(os.path.abspath(each))


def _is_expected(path: Path, own: str) -> bool:
    text = str(path)
    return (
        bool(own and text.startswith(own))
        or (text.startswith(_NOT_LOOKED_AT) and not text.startswith(_LOOKED_AT))
        or "__pycache__" in path.parts
        or ".hypothesis" in path.parts
        or path.suffix == ".pyc"
        or path.name.startswith((".coverage", "retrieverkit-", "pytest"))
    )
