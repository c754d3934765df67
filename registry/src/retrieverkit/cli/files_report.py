"""What came of bringing files up to date, in words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.json_output import printable
from retrieverkit.cli.screen import Screen

if TYPE_CHECKING:
    from retrieverkit.files import FilesReport
    from retrieverkit_core.errors import ReadError

_NAMED = 10
"""How many documents or problems of each kind are named."""

_PIP = re.compile(r"\((pip install [\w-]+)\)")

_NAMED_IN_BRIEF = 3
"""How many suffixes of files that no reader takes are named."""


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
    files = f"{counted(report.read, 'file')} read, {report.unchanged:,} unchanged{_of_other_kinds(report)}"
    return f"{told or 'nothing changed'} ({files})"


def _write_failed_before(report: FilesReport, screen: Screen) -> None:
    """Write how many files could not be read before; why each could not was said then."""
    if number := len(report.failed_before):
        have = "has" if number == 1 else "have"
        named = ", ".join(report.failed_before[:_NAMED_IN_BRIEF])
        more = f" and {number - _NAMED_IN_BRIEF:,} more" if number > _NAMED_IN_BRIEF else ""
        told = f"{counted(number, 'file')} that could not be read before and {have} not changed since: {named}{more}"
        screen.say(("not read: ", "bold yellow"), told)
        screen.say(
            ("fix: ", "bold"), "to read them again and see why: retriever index PATH --index FOLDER --retry", lead="  "
        )


def _of_other_kinds(report: FilesReport) -> str:
    """Return how many files no reader takes, by suffix, or an empty string."""
    if not report.of_other_kinds:
        return ""
    left_out = [skipped for skipped in report.skipped if "not supported" in skipped.reason]
    kinds = Counter(PurePath(skipped.path).suffix.lower() or "no suffix" for skipped in left_out)
    told = [f"{kind} {number:,}" for kind, number in kinds.most_common(_NAMED_IN_BRIEF)]
    more = len(kinds) - len(told)
    helpful = sorted({found[1] for skipped in left_out if (found := _PIP.search(skipped.reason))})
    return (
        f", {report.of_other_kinds:,} of other kinds left out: {', '.join(told)}{f' and {more} more' if more else ''}"
        f"{f'; for some of them: {helpful[0]}' if helpful else ''}"
    )


def write_unread(report: FilesReport, screen: Screen) -> None:
    """Write each file, or part of one, that could not be read, and why."""
    for error in report.errors:
        _write_error(error, screen)
    _write_failed_before(report, screen)


def write_unread_in_brief(report: FilesReport, screen: Screen) -> None:
    """Write what could not be read in a few lines: it should not bury the answer."""
    for error in report.errors[:_NAMED]:
        _write_error(error, screen)
    if len(report.errors) > _NAMED:
        told = f"{len(report.errors) - _NAMED:,} more; 'retriever index' names them all"
        screen.say(("not read: ", "bold yellow"), told)
    _write_failed_before(report, screen)


def _write_error(error: ReadError, screen: Screen) -> None:
    screen.say(("not read: ", "bold yellow"), error.message)
    if error.fix:
        screen.say(("fix: ", "bold"), error.fix, lead="  ")


def counted(number: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_dict(report: FilesReport) -> dict[str, Any]:
    """Return the report as inert JSON."""
    return {
        "added": [*map(printable, report.added)],
        "changed": [*map(printable, report.changed)],
        "removed": [*map(printable, report.removed)],
        "unchanged_files": report.unchanged,
        "read_files": report.read,
        "errors": [
            {"path": printable(error.path), "problem": error.message, "fix": error.fix} for error in report.errors
        ],
        "failed_before": [*map(printable, report.failed_before)],
        "notes": report.notes,
        "skipped": [{"path": printable(skipped.path), "reason": skipped.reason} for skipped in report.skipped],
    }
