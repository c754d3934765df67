"""What ``retriever doctor`` looks at."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.running import cause_text
from retrieverkit.discovery import GROUPS, MODES, shared_discovery
from retrieverkit_core.errors import CorpusError, RetrieverKitError

if TYPE_CHECKING:
    from retrieverkit.discovery import Claim, Discovery, Row
    from retrieverkit.index import Index
    from retrieverkit_indexing.derived import IndexStatus

_OURS = ("retrieverkit", "retrieverkit-core")


@dataclass(slots=True)
class Stored:
    """What was found in an index.

    Attributes:
        folder: The index.
        documents: How many documents it holds.
        nodes: How many nodes they are cut into.
        derived: What is known of each derived index.
    """

    folder: str
    documents: int
    nodes: int
    derived: list[IndexStatus]


@dataclass(slots=True)
class Diagnosis:
    """All that was found.

    Attributes:
        packages: The version of each package that matters.
        plugins: The plugins of each entry-point group.
        index: What was found in the index, or None where none was asked about or it cannot be opened.
        notes: What is to be known of this machine.
        problems: What is wrong, one line each.
    """

    packages: Mapping[str, str]
    plugins: Mapping[str, Sequence[Row]]
    index: Stored | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def diagnose(folder: Path | None, *, load: bool) -> Diagnosis:
    """Look at the installation and, if one is given, at an index.

    Args:
        folder: The folder of an index.
        load: Import every plugin.
    """
    from retrieverkit.corpus import SQLiteCorpus

    discovery = shared_discovery()
    if load:
        _load_all(discovery)
    plugins = {group: discovery.rows(group) for group in GROUPS}
    diagnosis = Diagnosis(_packages(), plugins, notes=SQLiteCorpus.warnings())
    diagnosis.problems += [_failure(error) for error in discovery.failures()]
    diagnosis.problems += [
        f"{row.name} of {row.distribution}: {row.status}: {row.note}"
        for rows in plugins.values()
        for row in rows
        if row.status in ("conflict", "invalid")
    ]
    diagnosis.problems += discovery.catalog.unknown_in_environment()
    diagnosis.problems += [f"{distribution}: {problem}" for distribution, problem in discovery.catalog.unreadable]
    if folder is not None:
        _examine(folder, diagnosis)
    return diagnosis


def diagnosis_as_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as inert JSON."""
    from dataclasses import asdict

    return {"python": python_version(), "sqlite": sqlite3.sqlite_version, **asdict(diagnosis)}


def python_version() -> str:
    """Return the version and platform of this Python."""
    return f"{'.'.join(map(str, sys.version_info[:3]))} on {sys.platform}"


def _load_all(discovery: Discovery) -> None:
    for group in GROUPS:
        for claim in [claim for claims in discovery.catalog.claims(group).values() for claim in claims]:
            try:
                _load(discovery, claim)
            except RetrieverKitError:
                continue  # the discovery keeps what went wrong, and shows conflicts in its rows


def _load(discovery: Discovery, claim: Claim) -> None:
    if claim.group == MODES:
        discovery.mode(claim.name, claim.distribution)
    else:
        discovery.load(claim.group, claim.name, claim.distribution)


def _failure(error: RetrieverKitError) -> str:
    cause = cause_text(error)
    return f"{error.message} ({cause})" if cause else error.message


def _packages() -> dict[str, str]:
    names = [*_OURS, *(re.match(r"[\w.-]+", need)[0] for ours in _OURS for need in metadata.requires(ours) or ())]  # type: ignore[index]
    versions = {}
    for name in dict.fromkeys(names):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed
    return versions


def _examine(folder: Path, diagnosis: Diagnosis) -> None:
    """Read everything that an index stores."""
    from retrieverkit.index import Index

    try:
        with Index.open(folder, create=False) as index:
            found = index.check()
            diagnosis.problems += [f"{folder}: {problem}" for problem in found.problems]
            diagnosis.problems += [
                f"{folder}: {problem} (it is rebuilt at its next use; nothing is lost)" for problem in found.derived
            ]
            diagnosis.index = _stored(folder, index)
    except CorpusError as error:
        diagnosis.problems.append(f"{error.message} (fix: {error.fix})" if error.fix else error.message)


def _stored(folder: Path, index: Index) -> Stored:
    return Stored(str(folder), len(index.document_ids()), len(index), index.derived())
