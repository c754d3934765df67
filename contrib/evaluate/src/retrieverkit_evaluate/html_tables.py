"""The tables of a report in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from retrieverkit.commands import clean
from retrieverkit_evaluate.html_charts import axis, whisker
from retrieverkit_evaluate.numbers_text import (
    interval_text,
    milliseconds_text,
    p_text,
    ratio_text,
    signed,
    wins_text,
)

if TYPE_CHECKING:
    from retrieverkit_evaluate.report import Comparison, Report

_TAG = re.compile("<[^>]*>")

Cell = tuple[str, str]
"""HTML, and the class of its cell."""


def text(given: str) -> str:
    """Return any text as HTML that shows it and does nothing."""
    return escape(clean(given))


def table(headers: Sequence[Cell], rows: Iterator[tuple[str, Sequence[Cell]]]) -> str:
    """Return a table; each row has a class and cells."""
    head = "".join(f'<th class="{kind}">{title}</th>' for title, kind in headers)
    labels = [_TAG.sub("", title) for title, _ in headers]
    body = "".join(
        f'<tr class="{kind}">{"".join(_cell(*cell, label) for cell, label in zip(cells, labels, strict=True))}</tr>'
        for kind, cells in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def score_table(report: Report) -> str:
    """Return the scores: a group of rows for each measure, the best system first."""
    headers = [("system", ""), ("mean", "number"), ("", ""), ("95 % interval", "number")]
    if len(report.systems) > 1:
        headers += [("difference", "number"), ("its 95 % interval", "number")]
        headers += [("p, corrected", "number"), ("better/equal/worse", "number")]
    return table(headers, _score_rows(report, len(headers)))


def _score_rows(report: Report, width: int) -> Iterator[tuple[str, Sequence[Cell]]]:
    first = report.systems[0].name
    for measure in report.measures:
        scores = sorted((report.score(measure, s.name) for s in report.systems), key=lambda s: -s.mean)
        ends = {score.system: score.interval or (score.mean, score.mean) for score in scores}
        room = _room(list(ends.values()))
        baseline = report.score(measure, first).mean
        yield "group", [(text(measure), ""), ("", ""), (axis(room), ""), *[("", "")] * (width - 3)]
        for score in scores:
            cells = [
                (f"<code>{text(score.system)}</code>", ""),
                (f"<b>{score.mean:.3f}</b>", "number"),
                (whisker(score.mean, ends[score.system], room, baseline), ""),
                (interval_text(score.interval).replace("…", " to "), "number"),
            ]
            if len(report.systems) > 1:
                cells += _compared(score.against_first)
            yield "first" if score.system == first and len(report.systems) > 1 else "", cells


def _room(ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return what the intervals of a measure are drawn between: 0 and 1, unless one reaches farther."""
    return min(0.0, *(low for low, _ in ends)), max(1.0, *(high for _, high in ends))


def _compared(comparison: Comparison | None) -> list[Cell]:
    if comparison is None:
        return [('<span class="faint">baseline</span>', "number"), *[("", "")] * 3]
    good = "good" if comparison.difference > 0 else "bad"
    kind = f"number {good}" if comparison.significant else "number"
    ends = comparison.interval
    if not comparison.wins and not comparison.losses:
        return [('<span class="faint">equal on every query</span>', "number"), *[("", "")] * 3]
    return [
        (signed(comparison.difference), kind),
        ("–" if ends is None else f"{signed(ends[0])} to {signed(ends[1])}", "number"),
        (text(p_text(comparison)), kind),
        (wins_text(comparison), "number"),
    ]


def system_table(report: Report) -> str:
    """Return what is known of each system beside its scores."""
    counts = [
        (name, "number") for name in ("time per query", "ratio", "failed", "partial", "nothing found", "abstained")
    ]
    return table([("system", ""), *counts], _system_rows(report))


def _system_rows(report: Report) -> Iterator[tuple[str, Sequence[Cell]]]:
    for system in report.systems:
        notes = "".join(f'<br><span class="faint small">{text(note)}</span>' for note in system.notes)
        yield (
            "",
            [
                (f"<code>{text(system.name)}</code>{notes}", ""),
                (milliseconds_text(system.milliseconds), "number"),
                (ratio_text(system.ratio), "number"),
                (str(len(system.failed)), "number bad" if system.failed else "number"),
                (str(len(system.partial)), "number bad" if system.partial else "number"),
                (str(system.empty), "number"),
                (str(system.abstained), "number"),
            ],
        )


def query_table(report: Report) -> str:
    """Return the first measure of every query, the worst for the last system first."""
    measure, first = report.measures[0], report.systems[0].name
    headers = [("query", ""), ("", ""), *((f"<code>{text(s.name)}</code>", "number") for s in report.systems)]
    return table(headers, _query_rows(report, measure, first))


def _query_rows(report: Report, measure: str, first: str) -> Iterator[tuple[str, Sequence[Cell]]]:
    before = report.score(measure, first).values
    for query_id in report.worst_queries(report.systems[-1].name):
        cells = [(f"<code>{text(query_id)}</code>", ""), (text(report.collection.queries[query_id]), "")]
        for system in report.systems:
            value = report.score(measure, system.name).values[query_id]
            change = value - before[query_id]
            kind = "" if abs(change) < 0.0005 else " good" if change > 0 else " bad"
            cells.append((f"{value:.3f}", f"number{kind}"))
        yield "", cells


def _cell(content: str, kind: str, label: str) -> str:
    """Return a cell; on a narrow page its label stands before it."""
    if not content:
        return '<td class="empty"></td>'
    return f'<td{_class(kind)} data-label="{label}">{content}</td>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
