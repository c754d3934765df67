"""The packages of the workspace as their folders and pyproject files describe them."""

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKSPACE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normalise(distribution: str) -> str:
    """Return a distribution's name as an index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def required(requirement: str) -> str:
    """Return the distribution that a requirement names."""
    return normalise(re.match(r"[A-Za-z0-9._-]+", requirement).group())


@dataclass(frozen=True)
class Package:
    """One installable package: a folder with a pyproject.toml."""

    folder: Path

    @cached_property
    def pyproject(self) -> dict:
        return tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        return self.pyproject["project"]["name"]

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def kind(self) -> str:
        """`contract`, `indexing`, `registry`, `plugins` or `contrib`."""
        place = self.folder.relative_to(ROOT).parts
        return place[1] if place[0] == "core" else place[0]

    @property
    def dependencies(self) -> set[str]:
        return {required(entry) for entry in self.pyproject["project"].get("dependencies", [])}

    @property
    def optional(self) -> set[str]:
        extras = self.pyproject["project"].get("optional-dependencies", {})
        return {required(entry) for entries in extras.values() for entry in entries}

    @cached_property
    def sources(self) -> dict[Path, ast.Module]:
        files = sorted((self.folder / "src").rglob("*.py"))
        return {file: ast.parse(file.read_text(encoding="utf-8"), str(file)) for file in files}

    def __str__(self) -> str:
        return self.name


PACKAGES = [
    Package(file.parent)
    for place in ("core/*", "registry", "plugins/*", "contrib/*")
    for file in sorted(ROOT.glob(f"{place}/pyproject.toml"))
]
PLUGINS = [package for package in PACKAGES if package.kind == "plugins"]
BASE = [ROOT / "core" / "contract", ROOT / "core" / "indexing", ROOT / "registry", ROOT / "contrib" / "testkit"]
"""What a plugin is tested with."""
