"""``retriever adapt``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.commands import IndexFolder

if TYPE_CHECKING:
    from retrieverkit.commands import Screen
    from retrieverkit.index import Index
    from retrieverkit_adapt.adapted import Adapted

_STDOUT = Path("-")


def adapt_command(
    index: IndexFolder,
    queries: Annotated[
        Path, typer.Option("--queries", metavar="FILE", help="The queries: .jsonl with _id and text, or id, tab, text.")
    ],
    qrels: Annotated[
        Path, typer.Option("--qrels", metavar="FILE", help="The judgements: query, document, grade; or TREC's columns.")
    ],
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="vector, hybrid, a fusion, or a mode around them.")
    ] = "vector",
    learn: Annotated[
        str | None,
        typer.Option(
            "--learn",
            metavar="WHAT",
            help="adapter or weights; weights of a fusion or hybrid, else an adapter, if left out.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", metavar="N", min=1, max=1000, help="Recall counts N documents.")] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write what is kept here; else it is only measured.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE of --out.")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write all numbers here; '-' for stdout alone.", show_default=False
        ),
    ] = None,
) -> None:
    """Learn an adapter or weights from judged queries, kept only if they help.

    Each query is asked with what was learned from others. Nothing is written where that is not better by more than
    chance, and the exit code is 0 then too.
    """
    import json

    from retrieverkit.commands import Screen, print_json
    from retrieverkit.index import Index
    from retrieverkit_adapt.table import write_adapted
    from retrieverkit_core.errors import UsageError
    from retrieverkit_vector import check_free

    _check_apart({"--queries": queries, "--qrels": qrels, "--out": out, "--json": json_file})
    if out is not None:
        check_free(out, force=force)
    if json_file is not None and json_file != _STDOUT and (json_file.is_dir() or not json_file.parent.is_dir()):
        raise UsageError(f"{json_file} cannot be written", fix="name a file in a folder that exists")
    err = Screen(sys.stderr)
    with Index.open(index, create=False) as opened:
        adapted = _adapted(opened, queries, qrels, mode, learn, k, err)
        folder = opened.path.parent
    if adapted.kept and out is not None:
        adapted.save(out, force=force)
    written = out is not None and adapted.kept
    if json_file == _STDOUT:
        print_json(adapted.as_dict())
    else:
        write_adapted(adapted, Screen(sys.stdout), _path_to_tell(adapted, out, folder) if written else None)
    sys.stdout.flush()
    for remark in adapted.remarks:
        err.say(("note: ", "bold yellow"), remark)
    if json_file is not None and json_file != _STDOUT:
        json_file.write_text(json.dumps(adapted.as_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _adapted(index: Index, queries: Path, qrels: Path, mode: str, learn: str | None, k: int, screen: Screen) -> Adapted:
    from retrieverkit.commands import LongWork
    from retrieverkit_adapt.learning import adapt

    with LongWork(screen) as work:
        current = ""

        def on_progress(what: str, done: int, total: int) -> None:
            nonlocal current
            if what != current:
                current = what
                work.stage(what)
            work.files(done, total, "")

        work.stage("reading queries")
        return adapt(index, queries, qrels, mode, learn=learn, k=k, on_progress=on_progress)  # type: ignore[arg-type]


def _check_apart(files: dict[str, Path | None]) -> None:
    """Refuse to write a file that is read, or written for another option."""
    from retrieverkit_core.errors import UsageError

    known: dict[str, str] = {}
    for option, file in files.items():
        if file is None or (option == "--json" and file == _STDOUT):
            continue
        other = known.setdefault(os.path.realpath(file), option)
        if other != option and option in ("--out", "--json"):
            raise UsageError(f"{option} and {other} are the same file, {file}", fix="name another file")


def _path_to_tell(adapted: Adapted, out: Path | None, folder: Path) -> str | None:
    """Return the file as it is named to use it: in a mode, or by --config, which looks in the current folder alone."""
    if out is None:
        return None
    return os.fspath(out) if adapted.spec is not None else _as_option(out, folder)


def _as_option(out: Path, folder: Path) -> str:
    """Return the path as it is written in a mode: from the folder that the index is in, or whole."""
    whole, beside = out.resolve(), folder.resolve()
    return whole.relative_to(beside).as_posix() if whole.is_relative_to(beside) else os.fspath(whole)
