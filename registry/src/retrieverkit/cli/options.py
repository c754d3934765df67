"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IndexFolder = Annotated[
    Path, typer.Option("--index", metavar="DIR", help="The folder of the index.", show_default=False)
]
Calls = Annotated[
    Path | None,
    typer.Option(
        "--cassette",
        metavar="FILE",
        help="Record the model calls to FILE; where it is there already, answer from it and ask no model.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def modes_beginning(written: str) -> list[str]:
    """Return the installed modes that a word which is being typed may become."""
    from retrieverkit.discovery import shared_discovery

    return sorted({row.name for row in shared_discovery().rows() if row.name.startswith(written)})
