"""``retriever new-plugin``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from retrieverkit.cli.options import AsJson


def new_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the new mode.", show_default=False)],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="DIR",
            help="The folder to write to, new or empty. Default: ./retriever-NAME.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the package of a new mode. It can be installed as it is, and passes the conformance kit."""
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.new_plugin import names_for, write_package

    names = names_for(name)
    folder = folder or Path(names.distribution)
    files = write_package(names, folder)
    if as_json:
        told = {"mode": names.mode, "distribution": names.distribution, "module": names.module}
        print_json({**told, "folder": str(folder), "files": [file.as_posix() for file in files]})
        return
    screen = Screen(sys.stdout)
    screen.say(("mode ", "bold"), f"{names.mode} in {names.distribution}, written to {folder}")
    for file in files:
        screen.say(file.as_posix(), lead="  ")
    screen.say(("next: ", "bold"), f"cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest")
