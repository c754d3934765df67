"""``retriever doctor``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from retrieverkit.cli.options import AsJson


def doctor(
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="Also read all of this index and check it.", show_default=False),
    ] = None,
    load: Annotated[bool, typer.Option("--load", help="Also import every plugin.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong: with the installation, with plugins, with an index. The exit code is 1 if anything is."""
    from retrieverkit.cli.diagnosis import diagnose, diagnosis_as_dict
    from retrieverkit.cli.diagnosis_page import write_diagnosis
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.running import FAILED
    from retrieverkit.cli.screen import Screen

    diagnosis = diagnose(index, load=load)
    if as_json:
        print_json(diagnosis_as_dict(diagnosis))
    else:
        write_diagnosis(diagnosis, Screen(sys.stdout))
    if diagnosis.problems:
        raise typer.Exit(FAILED)
