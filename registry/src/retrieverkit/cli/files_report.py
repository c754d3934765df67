"""What came of bringing files up to date, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.screen import Screen

if TYPE_CHECKING:
    from retrieverkit.files import FilesReport

_NAMED = 10
"""How many documents of each kind are named."""


def write_report(report: FilesReport, screen: Screen) -> None:
    """Write which documents came, changed and went."""
    for sign, style, ids in (
        ("+", "green", report.added),
        ("~", "yellow", report.changed),
        ("-", "red", report.removed),
    ):
        for doc_id in ids[:_NAMED]:
            screen.say(doc_id, lead=f"  {sign} ")
        if len(ids) > _NAMED:
            screen.say((f"… and {len(ids) - _NAMED:,} more", style), lead=f"  {sign} ")
    screen.say(summary(report))


def summary(report: FilesReport) -> str:
    """Return one line of counts."""
    changes = {"added": report.added, "changed": report.changed, "removed": report.removed}
    told = ", ".join(f"{counted(len(ids), 'document')} {what}" for what, ids in changes.items() if ids)
    files = f"{counted(report.read, 'file')} read, {report.unchanged:,} unchanged"
    return f"{told or 'nothing changed'} ({files})"


def write_unread(report: FilesReport, screen: Screen, limit: int | None = None) -> None:
    """Write each file, or part of one, that could not be read, and why."""
    for error in report.errors[:limit]:
        screen.say(("not read: ", "bold yellow"), error.message)
        if error.fix:
            screen.say(("fix: ", "bold"), error.fix, lead="  ")
    if limit is not None and len(report.errors) > limit:
        screen.say(
            ("not read: ", "bold yellow"), f"… and {len(report.errors) - limit:,} more ('retriever index' names all)"
        )


def counted(number: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_dict(report: FilesReport) -> dict[str, Any]:
    """Return the report as inert JSON."""
    return {
        "added": _printable(report.added),
        "changed": _printable(report.changed),
        "removed": _printable(report.removed),
        "unchanged_files": report.unchanged,
        "read_files": report.read,
        "errors": [{"path": _text(error.path), "problem": error.message, "fix": error.fix} for error in report.errors],
        "skipped": [{"path": _text(skipped.path), "reason": skipped.reason} for skipped in report.skipped],
    }


def _printable(ids: Sequence[str]) -> list[str]:
    return [_text(doc_id) for doc_id in ids]


def _text(path: object) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
