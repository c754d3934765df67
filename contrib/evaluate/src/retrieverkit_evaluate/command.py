"""``retriever eval``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.commands import IndexFolder

if TYPE_CHECKING:
    from retrieverkit.commands import Screen
    from retrieverkit_evaluate.report import Report

_STDOUT = Path("-")


def evaluate_command(
    index: IndexFolder,
    queries: Annotated[
        Path, typer.Option("--queries", metavar="FILE", help="The queries: .jsonl with _id and text, or id, tab, text.")
    ],
    qrels: Annotated[
        Path, typer.Option("--qrels", metavar="FILE", help="The judgements: query, document, grade; or TREC's columns.")
    ],
    modes: Annotated[
        list[str], typer.Option("--mode", metavar="MODE", help="A mode string; repeat it to compare with the first.")
    ],
    measures: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            metavar="NAME",
            help="A measure of ir-measures; repeat it for more. Default: nDCG@10, R@100, RR@10 and P@5.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", min=1, help="Rank at most N documents per query. Default: 100.")
    ] = 100,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write all numbers here; '-' for stdout alone.", show_default=False
        ),
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one page with the worst queries here.", show_default=False),
    ] = None,
) -> None:
    """Measure modes on judged queries of your own, and compare each with the first.

    What was left out is told on stderr. The exit code is 3 where a query failed or an answer was partial.
    """
    from retrieverkit.commands import PARTIAL, Screen, print_json
    from retrieverkit_evaluate.measuring import DEFAULT_MEASURES
    from retrieverkit_evaluate.table import write_report

    for file in (json_file, html_file):
        _check_folder(file)
    err = Screen(sys.stderr)
    report = _evaluate(index, queries, qrels, modes, measures or list(DEFAULT_MEASURES), depth, err)
    if json_file == _STDOUT:
        print_json(report.as_dict())
    else:
        write_report(report, Screen(sys.stdout))
    sys.stdout.flush()
    for remark in report.remarks():
        err.say(("note: ", "bold yellow"), remark)
    _write_files(report, json_file, html_file)
    if not report.complete:
        raise typer.Exit(PARTIAL)


def _evaluate(
    folder: Path, queries: Path, qrels: Path, modes: list[str], measures: list[str], depth: int, screen: Screen
) -> Report:
    from retrieverkit.commands import LongWork
    from retrieverkit.index import Index
    from retrieverkit_evaluate.evaluation import evaluate

    current = ""
    with Index.open(folder, create=False) as opened, LongWork(screen) as work:

        def on_progress(system: str, done: int, total: int, query_id: str) -> None:
            nonlocal current
            if system != current:
                current = system
                work.stage(system)
            work.files(done, total, query_id)

        work.stage("reading queries")
        return evaluate(opened, queries, qrels, modes, measures=measures, depth=depth, on_progress=on_progress)


def _check_folder(file: Path | None) -> None:
    """Refuse a file that cannot be written before the queries are asked."""
    from retrieverkit_core.errors import UsageError

    if file is not None and file != _STDOUT and (file.is_dir() or not file.parent.is_dir()):
        raise UsageError(f"{file} cannot be written", fix="name a file in a folder that exists")


def _write_files(report: Report, json_file: Path | None, html_file: Path | None) -> None:
    import json

    if json_file is not None and json_file != _STDOUT:
        json_file.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(report.to_html(), encoding="utf-8")
