"""``retriever eval``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.commands import IndexFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieverkit.commands import Screen
    from retrieverkit_evaluate.report import Report

_STDOUT = Path("-")
_POOLED = ("bm25", "vector", "hybrid")


app = typer.Typer(invoke_without_command=True)


@app.callback()
def evaluate_command(
    context: typer.Context,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index",
            "-i",
            metavar="DIR",
            envvar="RETRIEVERKIT_INDEX",
            show_envvar=False,
            help="The folder of the index; else RETRIEVERKIT_INDEX names it.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="A filled judging sheet, in place of --queries and --qrels; see `retriever eval init`.",
            show_default=False,
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help="The queries: .jsonl with _id and text, or id, tab, text.",
            show_default=False,
        ),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option(
            "--qrels",
            metavar="FILE",
            help="The judgements: query, document, grade; or TREC's columns.",
            show_default=False,
        ),
    ] = None,
    modes: Annotated[
        list[str] | None,
        typer.Option(
            "--mode",
            "-m",
            metavar="MODE",
            help="A mode string; repeat it to compare with the first.",
            show_default=False,
        ),
    ] = None,
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

    Examples:
      retriever eval --index kitchen.rk --sheet judged.tsv --mode bm25 --mode hybrid
      retriever eval --index kitchen.rk --queries q.jsonl --qrels qrels.tsv --mode bm25 --html report.html
    """
    if context.invoked_subcommand is not None:
        return
    from retrieverkit.commands import PARTIAL, Screen, print_json
    from retrieverkit_evaluate.measuring import DEFAULT_MEASURES
    from retrieverkit_evaluate.table import write_report

    for file in (json_file, html_file):
        _check_folder(file)
    err = Screen(sys.stderr)
    asked = _Asked.of(index, sheet, queries, qrels, modes)
    report = _evaluate(asked, measures or list(DEFAULT_MEASURES), depth, err)
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


@app.command("init")
def init(
    queries: Annotated[
        Path,
        typer.Argument(
            metavar="QUERIES", help="The queries: one per line, or id, tab, text; or .jsonl with _id and text."
        ),
    ],
    index: IndexFolder,
    modes: Annotated[
        list[str] | None,
        typer.Option(
            "--mode",
            "-m",
            metavar="MODE",
            help="A mode string; repeat it. Default: bm25, vector and hybrid, those that are installed.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="The first N documents of each mode.")] = 10,
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="The sheet to write; with commas if it ends with .csv.")
    ] = Path("judge.tsv"),
) -> None:
    """Write a judging sheet: what each mode finds first for your queries, to be judged in a spreadsheet.

    Each document is there once per query, with its title and an excerpt, in an order that does not show who found it.
    Fill the column grade in (0 not relevant, 1 relevant, more for better) and give the sheet to `retriever eval
    --sheet`. A sheet that is there is not overwritten. The exit code is 3 where a query failed.

    Examples:
      retriever eval init queries.txt --index kitchen.rk --mode bm25 --mode vector
    """
    from retrieverkit.commands import PARTIAL, LongWork, Screen
    from retrieverkit.index import Index
    from retrieverkit_core.errors import UsageError
    from retrieverkit_evaluate.judging_sheet import write_sheet
    from retrieverkit_evaluate.pooling import pool
    from retrieverkit_evaluate.queries_file import read_lines_as_queries

    there = UsageError(f"{output} is there already", fix="name another file with --output")
    _check_folder(output)
    if output.exists():
        raise there
    asked, err = read_lines_as_queries(queries), Screen(sys.stderr)
    chosen = modes or _installed()
    with Index.open(index, create=False) as opened, LongWork(err) as work:
        done = 0

        def on_query(mode: str, query_id: str) -> None:
            nonlocal done
            done += 1
            work.files(done, len(asked) * len(chosen), f"{mode}: {query_id}")

        work.stage("asking queries")
        pooled = pool(opened, asked, chosen, depth, on_query)
    try:
        write_sheet(output, pooled.rows)
    except FileExistsError:
        raise there from None
    rows = f"{len(pooled.rows):,} row{'' if len(pooled.rows) == 1 else 's'}"
    of = f"{len(asked):,} {'query' if len(asked) == 1 else 'queries'}, the first {depth} of {', '.join(chosen)}"
    Screen(sys.stdout).say(f"wrote {rows} to judge ({of}) to {output}")
    if pooled.nothing:
        err.say(("note: ", "bold yellow"), f"no mode finds anything for: {', '.join(pooled.nothing[:10])}")
    for told in pooled.missing:
        err.say(("warning: ", "bold yellow"), told)
    if pooled.missing:
        raise typer.Exit(PARTIAL)


def _installed() -> list[str]:
    from retrieverkit.discovery import shared_discovery

    return [mode for mode in _POOLED if shared_discovery().has_mode(mode)] or [_POOLED[0]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be measured, on what."""

    index: Path
    queries: Path | Mapping[str, str]
    qrels: Path | Mapping[str, Mapping[str, int]]
    without_grade: int
    modes: list[str]

    @classmethod
    def of(
        cls, index: Path | None, sheet: Path | None, queries: Path | None, qrels: Path | None, modes: list[str] | None
    ) -> _Asked:
        """Return what the command line asks.

        Raises:
            UsageError: Something is missing, or too much.
        """
        from retrieverkit_core.errors import UsageError
        from retrieverkit_evaluate.judging_sheet import read_sheet

        if index is None:
            raise UsageError("no index is named", fix="add --index FOLDER")
        if not modes:
            raise UsageError("no mode is named", fix="add --mode bm25, once for each mode")
        if sheet is not None:
            if queries is not None or qrels is not None:
                raise UsageError("--sheet holds the queries and the grades", fix="leave --queries and --qrels out")
            told = read_sheet(sheet)
            return cls(index, told.queries, told.qrels, told.without_grade, modes)
        if queries is None or qrels is None:
            raise UsageError("--queries and --qrels go together", fix="give both, or a judging sheet with --sheet")
        return cls(index, queries, qrels, 0, modes)


def _evaluate(asked: _Asked, measures: list[str], depth: int, screen: Screen) -> Report:
    from retrieverkit.commands import LongWork
    from retrieverkit.index import Index
    from retrieverkit_evaluate.evaluation import evaluate

    current = ""
    with Index.open(asked.index, create=False) as opened, LongWork(screen) as work:

        def on_progress(system: str, done: int, total: int, query_id: str) -> None:
            nonlocal current
            if system != current:
                current = system
                work.stage(system)
            work.files(done, total, query_id)

        work.stage("reading queries")
        return evaluate(
            opened,
            asked.queries,
            asked.qrels,
            asked.modes,
            measures=measures,
            depth=depth,
            without_grade=asked.without_grade,
            on_progress=on_progress,
        )


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
