"""Where a retriever's code is: to read it, and for another process to run it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from retrieverkit_testkit.verdicts import NothingToCheck

_wanted: dict[str, Any] | None = None
"""In a process that answers for another one: where the factory is that the other one checks."""


class FactoryFound(BaseException):
    """Ends a script at its call of `check_retriever`, in a process that only needs the factory of that call."""

    def __init__(self, factory: Callable[..., Any]) -> None:
        super().__init__("the factory is found")
        self.factory = factory


def files_of(module: str, file: str | None = None) -> list[Path]:
    """Return the Python files of the package that a module belongs to; a module of no package is one file.

    A namespace is not a package: what others put into it is not the author's.
    """
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        package = sys.modules.get(".".join(parts[:length]))
        if getattr(package, "__file__", None) is not None and hasattr(package, "__path__"):
            assert package is not None
            return sorted(path for folder in package.__path__ for path in Path(folder).rglob("*.py"))
    file = file or getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        raise NothingToCheck(f"there is no source of {module}")
    return [Path(file)]


def place_of(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the file and the name by which another process finds a function, or a method of a class.

    Raises:
        NothingToCheck: It is made inside another function, is in no file, or is a method of an object that only
            this process has.
    """
    name = getattr(factory, "__qualname__", "<a callable object>")
    try:
        file = inspect.getsourcefile(factory)
    except TypeError:
        file = None
    if file is None or "<" in name or not Path(file).exists():
        raise NothingToCheck("no other process can find the factory: write it as a function of a module")
    owner = getattr(factory, "__self__", None)
    of_object = inspect.ismethod(factory) and not inspect.isclass(owner)
    if of_object and not _made_of_nothing(type(owner)):
        raise NothingToCheck("the factory is a method of an object that no other process has")
    return {"file": file, "module": factory.__module__, "factory": name, "method": of_object}


def found_factory(place: dict[str, Any]) -> Any:
    """Return the factory that `place_of` described; its script is run up to where it calls `check_retriever`."""
    global _wanted
    _wanted = place
    try:
        found: Any = _module(place)
    except FactoryFound as end:
        return end.factory
    finally:
        _wanted = None
    *owners, name = place["factory"].split(".")
    for owner in owners:
        found = getattr(found, owner)
    return getattr(found() if place["method"] else found, name)


def answered_elsewhere(factory: object) -> bool:
    """Return whether this process only looks for a factory, so that nothing is to be checked in it.

    Raises:
        FactoryFound: This is the one.
    """
    if _wanted is None:
        return False
    try:
        place = place_of(factory)  # type: ignore[arg-type]
    except NothingToCheck:
        return True
    if (place["file"], place["factory"]) == (_wanted["file"], _wanted["factory"]):
        assert callable(factory)
        raise FactoryFound(factory)
    return True


def _made_of_nothing(owner: type) -> bool:
    try:
        inspect.signature(owner).bind()
    except (TypeError, ValueError):
        return False
    return True


def _module(place: dict[str, Any]) -> ModuleType:
    """Import the factory's module by its name where it has one, so that its relative imports work."""
    file = Path(place["file"])
    if place["module"] != "__main__" and _is(place["module"], file):
        return importlib.import_module(place["module"])
    root, names = file.parent, [file.stem]
    while (root / "__init__.py").exists():
        root, names = root.parent, [root.name, *names]
    if len(names) > 1:
        sys.path.insert(0, str(root))
        return importlib.import_module(".".join(names))
    spec = importlib.util.spec_from_file_location(f"tested_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _is(name: str, file: Path) -> bool:
    """Return whether the module of a name is that of a file."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin) == file
