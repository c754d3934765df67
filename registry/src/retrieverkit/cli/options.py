"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IndexFolder = Annotated[
    Path, typer.Option("--index", metavar="DIR", help="The folder of the index.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
