"""Finds code that runs what it reads: by what names mean, however they were imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

_MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "pickle5",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
    "sklearn.externals.joblib",
}
_CALLS = {
    "eval",
    "exec",
    "builtins.eval",
    "builtins.exec",
    "torch.load",
    "torch.save",
    "torch.jit.load",
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
    "yaml.full_load",
    "yaml.full_load_all",
    "pandas.read_pickle",
    "pandas.to_pickle",
}
_YAML_LOADS = {"yaml.load", "yaml.load_all"}
_SAFE_LOADERS = {"yaml.SafeLoader", "yaml.CSafeLoader", "yaml.BaseLoader", "yaml.CBaseLoader"}
_IMPORTING = {"__import__", "importlib.import_module", "builtins.__import__"}
_METHODS = {"read_pickle", "to_pickle"}


def unsafe(path: Path) -> Sequence[tuple[int, str]]:
    """Return the line and the name of each use of what unpickles or evaluates in a Python file."""
    return _unsafe_in(path.read_bytes())


@lru_cache(maxsize=1000)
def _unsafe_in(program: bytes) -> tuple[tuple[int, str], ...]:
    tree = ast.parse(program)
    names = _meanings(tree)
    return tuple(
        (getattr(node, "lineno", 0), name) for node in ast.walk(tree) for name in sorted(set(_named(node, names)))
    )


def _named(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_unsafe_module(alias.name))
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        if _is_unsafe_module(node.module):
            yield node.module
        imported = (f"{node.module}.{alias.name}" for alias in node.names)
        yield from (name for name in imported if name in _CALLS or _is_unsafe_module(name))
    elif isinstance(node, (ast.Attribute, ast.Name)):
        meant = _meant(node, names)
        if meant in _CALLS:
            yield meant
    elif isinstance(node, ast.Call):
        yield from _called(node, names)


def _called(node: ast.Call, names: dict[str, str]) -> Iterator[str]:
    meant = _meant(node.func, names)
    if meant in _YAML_LOADS:
        loaders = [each.value for each in node.keywords if each.arg == "Loader"] + node.args[1:2]
        if not loaders or _meant(loaders[0], names) not in _SAFE_LOADERS:
            yield meant
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    if meant in _IMPORTING and isinstance(first, str) and _is_unsafe_module(first):
        yield first
    if meant == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
        reached = f"{_meant(node.args[0], names)}.{node.args[1].value!s}"
        if reached in _CALLS | _YAML_LOADS:
            yield reached
    if meant.endswith("ruamel.yaml.YAML") and any(
        isinstance(each.value, ast.Constant) and each.value.value == "unsafe" for each in node.keywords
    ):
        yield "YAML(typ='unsafe')"
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        yield node.func.attr
    for each in node.keywords:
        if each.arg == "allow_pickle" and not (isinstance(each.value, ast.Constant) and each.value.value is False):
            yield "allow_pickle"


def _meanings(tree: ast.AST) -> dict[str, str]:
    """Return what names of a module stand for: by imports under another name, and by assignments of such."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            for alias in node.names:
                names[alias.asname or alias.name] = f"{origin}.{alias.name}"
    for _ in range(3):  # names of names
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
                meant = _meant(node.value, names)
                for target in node.targets:
                    known = meant in _CALLS | _YAML_LOADS | _SAFE_LOADERS | _IMPORTING or _is_unsafe_module(meant)
                    if isinstance(target, ast.Name) and known:
                        names[target.id] = meant
    return names


def _meant(node: ast.AST, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_meant(node.value, names)}.{node.attr}"
    return ""


def _is_unsafe_module(name: str) -> bool:
    return name in _MODULES or name.partition(".")[0] in _MODULES
