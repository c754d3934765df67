"""``retriever backup`` and ``retriever restore``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.cli.options import AsJson

if TYPE_CHECKING:
    from retrieverkit.backup import Backup


def backup(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="The folder of the index.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The ZIP file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write one file with all documents of an index and its settings, as they are at one moment, and check it.

    Processes may write to the index meanwhile. What is derived is left out, as it is built again of the documents. A
    file that is there is not overwritten.

    Examples:
      retriever backup plant.rk plant-2026-02-01.zip
    """
    from retrieverkit.backup import back_up

    _say(back_up(_absolute(index), _absolute(file)), "backed up to", file, as_json)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `retriever backup` wrote.")],
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="The folder to make.")],
    as_json: AsJson = False,
) -> None:
    """Make an index of a backup, once all of it is what its checksums say. A folder that is there is not overwritten.

    The first search of each mode builds what it needs.

    Examples:
      retriever restore plant-2026-02-01.zip restored.rk
    """
    from retrieverkit.backup import restore as restored

    _say(restored(_absolute(file), _absolute(index)), "restored to", index, as_json)


def _absolute(path: Path) -> Path:
    import os

    return Path(os.path.abspath(path.expanduser()))


def _say(done: Backup, what: str, where: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from retrieverkit.cli.files_report import counted
    from retrieverkit.cli.index_facts import size_text
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen

    if as_json:
        print_json(asdict(done))
        return
    held = f"{counted(done.documents, 'document')}, {counted(done.nodes, 'node')}"
    embedding = f", embedding {done.embedding}" if done.embedding else ""
    Screen(sys.stdout).say(f"{held}{embedding}, {size_text(done.size)}: {what} {where} (made at {done.made_at})")
