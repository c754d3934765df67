"""Writes a new plugin's package from the templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from retrieverkit_core.errors import ConfigError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from retrieverkit.new_plugin.naming import Names

_SUFFIX = ".template"


def write_package(names: Names, folder: Path) -> list[Path]:
    """Write a package that installs, registers its mode and passes the conformance kit.

    Args:
        names: What its parts are called.
        folder: Where to; it is made.

    Returns:
        The files, relative to ``folder``.

    Raises:
        ConfigError: There is something in the folder.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ConfigError(f"{folder} is not an empty folder", fix="name one that is empty or new with --dir")
    values = {
        "mode": names.mode,
        "distribution": names.distribution,
        "module": names.module,
        "title": names.title,
        "versions": _versions(),
    }
    written = []
    for path, template in _templates(resources.files(__package__) / "templates"):
        file = Path(Template(path.removesuffix(_SUFFIX)).substitute(values))
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(Template(template).substitute(values), encoding="utf-8")
        written.append(file)
    return written


def _templates(folder: Traversable, lead: str = "") -> Iterator[tuple[str, str]]:
    """Yield the relative path and the text of each template."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{lead}{entry.name}/")
        else:
            yield lead + entry.name, entry.read_text(encoding="utf-8")


def _versions() -> str:
    """Return the versions of core that this package works with, which a plugin written for it does too."""
    for requirement in metadata.requires("retrieverkit") or ():
        if found := re.match(r"retrieverkit-core\s*([<>=!~][^;]*)", requirement):
            return ",".join(sorted(found[1].strip().split(","), reverse=True))
    raise AssertionError("retrieverkit requires retrieverkit-core")
