"""An environment with what a page has installed and nothing else, made of links to what is installed here.

It is a real venv: entry points, imports and commands are those of the named distributions and of what they declare to
need. A package whose declaration lacks something fails in it as it does for a reader.
"""

import shlex
import sysconfig
import tomllib
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from workspace import normalise


def make(wanted: list[str], folder: Path, here: Path) -> Path:
    """Return the folder of the commands of a new environment.

    Args:
        wanted: What `pip install` is given: requirements, and folders that begin with a dot.
        folder: Where the environment is made.
        here: What the folders are relative to.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    site = Path(sysconfig.get_path("purelib", scheme="venv", vars={"base": str(folder)}))
    scripts = Path(sysconfig.get_path("scripts", scheme="venv", vars={"base": str(folder)}))
    for package in [here / name for name in wanted if name.startswith(".")]:
        _install(package, site)
    for found in _needed([Requirement(name) for name in wanted if not name.startswith(".")]):
        for name in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / name).exists():
                (site / name).symlink_to(found.locate_file(name))
        for command in found.entry_points.select(group="console_scripts"):
            told = f"import sys; from {command.module} import {command.attr} as run; sys.exit(run())"
            run = f"exec {shlex.quote(str(scripts / 'python'))} -P -c {shlex.quote(told)}"
            (scripts / command.name).write_text(f'#!/bin/sh\n{run} "$@"\n')
            (scripts / command.name).chmod(0o755)
    return scripts


def _needed(wanted: list[Requirement]) -> list[Distribution]:
    """Return the distributions that are named, and those that they need, each once."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = normalise(requirement.name)
        found.setdefault(name, distribution(name))
        for extra in {"", *requirement.extras} - {of for each, of in seen if each == name}:
            seen.add((name, extra))
            needs = map(Requirement, found[name].requires or ())
            wanted += [each for each in needs if each.marker is None or each.marker.evaluate({"extra": extra})]
    return list(found.values())


def _install(package: Path, site: Path) -> None:
    """Put the modules of a flat package of a page, and what its pyproject declares, into an environment."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for module in package.glob("*.py"):
        (site / module.name).symlink_to(module.resolve())
    told = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, of in groups for line in (f"[{group}]", *(f"{name} = {to}" for name, to in of.items()))]
    (told / "entry_points.txt").write_text("\n".join(lines) + "\n")
