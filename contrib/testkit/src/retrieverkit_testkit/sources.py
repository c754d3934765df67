"""Where a retriever's code is: to read it, and for another process to run it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retrieverkit_testkit.verdicts import NothingToCheck


def files_of(module: str, file: str | None = None) -> list[Path]:
    """Return the Python files of the package that a module belongs to; a module of no package is one file."""
    package = sys.modules.get(module.partition(".")[0])
    folders = [Path(folder) for folder in getattr(package, "__path__", ())]
    if folders:
        return sorted(path for folder in folders for path in folder.rglob("*.py"))
    file = file or getattr(package, "__file__", None)
    if file is None:
        raise NothingToCheck(f"there is no source of {module}")
    return [Path(file)]


def place_of(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the file and the name by which another process finds a function, or a method of a class.

    Raises:
        NothingToCheck: It is made inside another function, or in no file.
    """
    name = getattr(factory, "__qualname__", "<a callable object>")
    try:
        file = inspect.getsourcefile(factory)
    except TypeError:
        file = None
    if file is None or "<" in name or not Path(file).exists():
        raise NothingToCheck("no other process can find the factory: write it as a function of a module")
    return {"file": file, "factory": name, "method": inspect.ismethod(factory)}
