"""The diagnosis in words."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from retrieverkit.cli.diagnosis import Diagnosis, Stored, python_version
from retrieverkit.cli.files_report import counted
from retrieverkit.cli.plugins import write_rows

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen
    from retrieverkit_indexing.derived import IndexStatus


def write_diagnosis(diagnosis: Diagnosis, screen: Screen) -> None:
    """Write all that was found, what is wrong last."""
    screen.say(("python", "bold"), f" {python_version()}, ", ("SQLite", "bold"), f" {sqlite3.sqlite_version}")
    screen.say(("packages", "bold"))
    screen.say(", ".join(f"{name} {version}" for name, version in diagnosis.packages.items()), lead="  ")
    for group, rows in diagnosis.plugins.items():
        screen.say((group, "bold"))
        write_rows(rows, screen)
    if diagnosis.index is not None:
        _write_stored(diagnosis.index, screen)
    for note in diagnosis.notes:
        screen.say(("note: ", "bold"), note)
    for problem in diagnosis.problems:
        screen.say(("problem: ", "bold red"), problem)
    if not diagnosis.problems:
        screen.say(("nothing is wrong", "green"))


def _write_stored(stored: Stored, screen: Screen) -> None:
    screen.say(("index", "bold"), f" {stored.folder}")
    screen.say(f"{counted(stored.documents, 'document')}, {counted(stored.nodes, 'node')}", lead="  ")
    for derived in stored.derived:
        screen.say((derived.name or derived.folder, "bold"), f"  {_state(derived)}", lead="  ")


def _state(derived: IndexStatus) -> str:
    parts = [counted(derived.nodes, "node"), *(f"{count:,} {what}" for what, count in derived.counts.items())]
    parts.append(f"{derived.size / 1e6:.1f} MB")
    behind = derived.behind
    if behind is not None:
        parts.append(f"{counted(behind, 'change')} behind" if behind else "up to date")
    if derived.former:
        parts.append("of former settings")
    if derived.rebuilds:
        parts.append(f"rebuilt {counted(derived.rebuilds, 'time')}, last because {derived.last_rebuild_reason}")
    return ", ".join(parts)
