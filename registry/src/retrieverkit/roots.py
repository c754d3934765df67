"""Which paths an index was brought up to date from, and when: one small file per path in the index's folder.

They are remarks and nothing more: the corpus knows its files without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit.layout import ROOTS_FOLDER
from retrieverkit.regular_files import read_regular, write_whole

if TYPE_CHECKING:
    from retrieverkit.files import FilesReport

_NAMED = 100
"""How many files that could not be read are kept by name."""

_LARGEST = 1_000_000
"""Bytes of a remark that are read."""


@dataclass(frozen=True, slots=True)
class Root:
    """A path that was indexed.

    Attributes:
        path: The absolute path.
        at: When it was last indexed to the end, in seconds since the epoch.
        failed: How many files, or parts of files, below it could not be read then.
        failures: The first of them, each with its path and what was wrong.
    """

    path: str
    at: float
    failed: int = 0
    failures: tuple[tuple[str, str], ...] = ()


def note_roots(folder: Path, paths: Iterable[str | os.PathLike[str]], report: FilesReport, at: float) -> None:
    """Write down that ``paths`` were indexed.

    A path that is gone keeps what was written before, or is forgotten where its documents are. What cannot be written
    is left out: an index whose documents are stored is not failed for a remark.

    Args:
        folder: The index's folder.
        paths: The paths.
        report: What came of it.
        at: When, in seconds since the epoch.
    """
    place = folder / ROOTS_FOLDER
    problems = [(os.path.realpath(str(error.path)), error.message) for error in report.errors]
    for given in paths:
        with suppress(OSError, ValueError):
            path = os.path.realpath(given)
            file = place / f"{blake2b(os.fsencode(path), digest_size=8).hexdigest()}.json"
            own = [(of, told) for of, told in problems if of == path or of.startswith(path.rstrip(os.sep) + os.sep)]
            if os.path.lexists(path):
                place.mkdir(exist_ok=True)
                own += _still(file, report.failed_before, {of for of, _ in own})
                write_whole(file, json.dumps(asdict(Root(path, at, len(own), tuple(own[:_NAMED])))))
            elif not own:
                file.unlink(missing_ok=True)


def _still(file: Path, failed: Iterable[str], told: set[str]) -> list[tuple[str, str]]:
    """Return what was wrong with files that could not be read before, and were not read again."""
    names = set(failed)
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = [(of, problem) for of, problem in _read(file).failures if of not in told] if names else []
        return [(of, problem) for of, problem in known if any(of == each or of.endswith(f"/{each}") for each in names)]
    return []


def roots_of(folder: Path) -> list[Root]:
    """Return the paths that an index was brought up to date from, by path; what cannot be read is left out."""
    found = []
    with suppress(OSError):
        for file in (folder / ROOTS_FOLDER).glob("*.json"):
            with suppress(OSError, ValueError, TypeError, KeyError):
                found.append(_read(file))
    return sorted(found, key=lambda root: root.path)


def _read(file: Path) -> Root:
    told = json.loads(read_regular(file, _LARGEST))
    failures = tuple((str(path), str(problem)) for path, problem in told["failures"])
    return Root(str(told["path"]), float(told["at"]), int(told["failed"]), failures)
