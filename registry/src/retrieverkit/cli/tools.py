"""What a command of a plugin is made with."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.screen import Screen

if TYPE_CHECKING:
    from retrieverkit.index import Index


class Tools:
    """What typer hands to a command as ``context.obj``: a plugin imports nothing of the registry.

    Every command has it; one of a package that may import the registry need not use it.
    """

    @cached_property
    def out(self) -> Screen:
        """Where results go: stdout."""
        return Screen(sys.stdout)

    @cached_property
    def err(self) -> Screen:
        """Where remarks go: stderr."""
        return Screen(sys.stderr)

    def open_index(self, folder: Path) -> Index:
        """Open the index in a folder; it is a context manager.

        Raises:
            NotACorpusError: There is none.
            CorpusError: It is damaged, too new, or cannot be read here.
        """
        from retrieverkit.index import Index

        return Index.open(folder, create=False)

    def print_json(self, document: Any) -> None:
        """Print one JSON document to stdout."""
        from retrieverkit.cli.json_output import print_json

        print_json(document)
