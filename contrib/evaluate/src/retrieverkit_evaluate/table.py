"""A report on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrieverkit_core.errors import shorten
from retrieverkit_evaluate.numbers_text import (
    interval_text,
    milliseconds_text,
    p_text,
    ratio_text,
    signed,
    wins_text,
)

if TYPE_CHECKING:
    from retrieverkit.commands import Part, Screen
    from retrieverkit_evaluate.report import Comparison, Report

_WORST = 5
"""How many queries are listed for each system."""


def write_report(report: Report, screen: Screen) -> None:
    """Write the scores, the systems and the worst queries; what was left out is written by the caller."""
    screen.say(
        (f"{len(report.query_ids):,} queries", "bold"),
        f" · {report.documents:,} documents · rankings {report.depth:,} deep",
    )
    screen.say()
    screen.table(
        ["", "system", "mean", "95 %", "diff.", "p", "+/=/-"]
        if len(report.systems) > 1
        else ["", "system", "mean", "95 %"],
        list(_score_rows(report)),
    )
    screen.say()
    screen.table(["system", "time/query", "ratio", "failed", "partial", "empty"], list(_system_rows(report)))
    for system in report.systems:
        for note in system.notes:
            screen.say((f"{system.name}: {note}", "dim"))
    for system in report.systems[1:] or report.systems:
        _write_worst(report, system.name, screen)
    if len(report.systems) > 1:
        screen.say()
        screen.say((_LEGEND.format(first=report.systems[0].name), "dim"))
        screen.say()
        for verdict in report.verdicts():
            screen.say((verdict, "bold"))


_LEGEND = (
    "diff.: mean difference from {first}. p: paired randomisation test, corrected by Holm for all tests above; "
    "* below 0.05. +/=/-: queries better, equal, worse."
)


def _score_rows(report: Report) -> Iterator[list[Part]]:
    for measure in report.measures:
        for number, system in enumerate(report.systems):
            score = report.score(measure, system.name)
            row: list[Part] = [
                (measure, "bold") if number == 0 else "",
                shorten(system.name, 40),
                f"{score.mean:.3f}",
                (interval_text(score.interval), "dim"),
            ]
            if len(report.systems) > 1:
                row += _compared(score.against_first)
            yield row


def _compared(comparison: Comparison | None) -> list[Part]:
    if comparison is None:
        return ["", "", ""]
    style = ("green" if comparison.difference > 0 else "red") if comparison.significant else ""
    return [(signed(comparison.difference), style), (p_text(comparison), style), wins_text(comparison)]


def _system_rows(report: Report) -> Iterator[list[Part]]:
    for system in report.systems:
        yield [
            shorten(system.name, 40),
            milliseconds_text(system.milliseconds),
            ratio_text(system.ratio),
            (str(len(system.failed)), "bold red" if system.failed else ""),
            (str(len(system.partial)), "bold red" if system.partial else ""),
            str(system.empty),
        ]


def _write_worst(report: Report, name: str, screen: Screen) -> None:
    measure, first = report.measures[0], report.systems[0].name
    values = report.score(measure, name).values
    before = report.score(measure, first).values
    worst = report.worst_queries(name)[:_WORST]
    if name != first:
        worst = [query_id for query_id in worst if values[query_id] < before[query_id]]
    if not worst:
        return
    screen.say()
    told = f"worst queries of {name}" if name == first else f"where {name} loses most to {first}"
    screen.say((told, "bold"), f" ({measure})")
    for query_id in worst:
        change = f"{values[query_id]:.3f}" if name == first else f"{before[query_id]:.3f} → {values[query_id]:.3f}"
        screen.say(
            f"{change}  ",
            (shorten(query_id, 20), "bold"),
            f"  {shorten(report.collection.queries[query_id], 160)}",
            lead="  ",
        )
