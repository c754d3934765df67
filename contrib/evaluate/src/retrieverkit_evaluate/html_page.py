"""A report as one HTML page that needs nothing else, and as a part of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieverkit_evaluate.html_charts import differences
from retrieverkit_evaluate.html_queries import worst_queries
from retrieverkit_evaluate.html_style import PAGE_STYLE, STYLE
from retrieverkit_evaluate.html_tables import query_table, score_table, system_table, text
from retrieverkit_evaluate.statistics import RESAMPLES

if TYPE_CHECKING:
    from retrieverkit_evaluate.report import Report

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may do with the page: show it. No script, no address."""


def page(report: Report) -> str:
    """Return the whole page."""
    names = ", ".join(system.name for system in report.systems)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {text(names)}</title><style>{PAGE_STYLE}{STYLE}</style></head>"
        f'<body><main class="rk"><h1>Evaluation</h1>{_overview(report)}'
        f"{''.join(_system(report, system.name) for system in report.systems[1:] or report.systems)}"
        f"<h2>Every query</h2><details><summary>{len(report.query_ids):,} queries by {text(report.measures[0])}, "
        f"the worst for <code>{text(report.systems[-1].name)}</code> first</summary>{query_table(report)}</details>"
        f"<h2>How this was measured</h2>{_method(report)}</main></body></html>\n"
    )


def summary(report: Report) -> str:
    """Return the tables, without a page around them."""
    return f'<style>{STYLE}</style><div class="rk">{_overview(report)}</div>'


def _overview(report: Report) -> str:
    left_out = len(report.collection.queries) - len(report.query_ids)
    lost = f", {left_out} left out because they failed" if left_out else ""
    remarks = "".join(f"<p>{text(remark)}</p>" for remark in report.remarks())
    return (
        f"<p class='faint'>{len(report.query_ids):,} judged queries{lost} · {report.documents:,} documents · "
        f"rankings of {report.depth:,} documents</p>"
        f"{''.join(f'<p class=verdict>{text(verdict)}</p>' for verdict in report.verdicts())}"
        f"{f'<div class=remarks>{remarks}</div>' if remarks else ''}"
        f"{score_table(report)}{system_table(report)}"
    )


def _system(report: Report, name: str) -> str:
    measure, first = report.measures[0], report.systems[0].name
    if name == first:
        return (
            f"<h2>The worst queries of <code>{text(name)}</code> by {text(measure)}</h2>{worst_queries(report, name)}"
        )
    before, after = report.score(measure, first).values, report.score(measure, name).values
    changes = [after[query_id] - before[query_id] for query_id in report.query_ids]
    drawn = (
        f"<p class='faint small'>The difference in {text(measure)} of every query, the largest gain first.</p>"
        f"{differences(changes)}"
    )
    lost = worst_queries(report, name)
    told = f"<p>Where it loses most:</p>{lost}" if lost else "<p>It loses on no query.</p>"
    return (
        f"<h2><code>{text(name)}</code> against <code>{text(first)}</code>, query by query</h2>"
        f"{drawn if any(changes) else ''}{told}"
    )


def _method(report: Report) -> str:
    told = [
        f"A ranking is of documents: the first hit of a document counts. It has at most {report.depth:,} documents, so "
        "a measure without a cutoff looks at no more than those.",
        "Documents that nobody judged for a query count as not relevant. Measures are computed by ir-measures.",
        "Every number is about the same queries: a query that failed in one system is left out for all of them, "
        "because an error is not a bad ranking. Partial answers count as they are.",
        f"Intervals hold the mean in 95 of 100 cases: percentile bootstrap over queries, {RESAMPLES:,} resamples, seed "
        f"{report.seed}. p is two-sided, from Fisher's paired randomisation test, corrected by Holm's method for the "
        "number of systems and measures; * marks p below 0.05.",
        "Time is that of one retrieval at a time on the machine of this evaluation; it is not a benchmark.",
    ]
    return "".join(f"<p class='small'>{text(line)}</p>" for line in told)
