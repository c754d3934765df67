"""Prints as JSON the packages to test for what changed since a commit: `python .ci/changed.py origin/main`.

A package is tested when something changed in its folder or in that of a package that it or its tests depend on; all
are when something changed that all share. What packages do together is tested always, and everything every night.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKSPACE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHARED = ("pyproject.toml", "noxfile.py", "conftest.py", "constraints.txt", "requirements-dev.txt", ".ci/", ".github/")
USED_BY_TESTS = {"retrieverkit", "retrieverkit-testkit"}
"""What the tests of most packages use without declaring it."""


def packages() -> dict[str, set[str]]:
    """Return the folder of each package, and the folders of those that it depends on, itself included."""
    folders, needs = {}, {}
    for glob in WORKSPACE["tool"]["uv"]["workspace"]["members"]:
        for file in sorted(ROOT.glob(f"{glob}/pyproject.toml")):
            project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
            entries = project.get("dependencies", [])
            folders[project["name"]] = file.parent.relative_to(ROOT).as_posix()
            needs[project["name"]] = {re.match(r"[\w.-]+", entry).group() for entry in entries} | USED_BY_TESTS
    return {folders[name]: {folders[each] for each in closure(name, needs)} for name in folders}


def closure(name: str, needs: dict[str, set[str]]) -> set[str]:
    """Return a package and all that it needs, directly or not."""
    found, pending = {name}, [name]
    while pending:
        new = {each for each in needs[pending.pop()] if each in needs} - found
        found |= new
        pending += new
    return found


def affected(changed: list[str]) -> list[str]:
    """Return the folders of the packages to test when these files changed."""
    known = packages()
    if any(file.startswith(SHARED) for file in changed):
        return sorted(known)
    touched = {folder for folder in known for file in changed if file.startswith(f"{folder}/")}
    return sorted(folder for folder, needs in known.items() if needs & touched)


def main() -> None:
    """Print the packages for what changed since the commit that the command line names."""
    command = ["git", "diff", "--name-only", f"{sys.argv[1]}...HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    changed = SHARED if done.returncode else done.stdout.splitlines()  # a commit that is not here: all may have changed
    print(json.dumps(affected(list(changed))))


if __name__ == "__main__":
    main()
