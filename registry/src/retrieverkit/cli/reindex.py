"""``retriever reindex``."""

from __future__ import annotations

import sys

import typer

from retrieverkit.cli.options import AsJson, IndexFolder


def reindex(index: IndexFolder, as_json: AsJson = False) -> None:
    """Delete all derived indexes and build that of the default mode again. Documents stay as they are."""
    from retrieverkit.cli.exit_codes import PARTIAL
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.ready import make_ready
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index

    with Index.open(index, create=False) as opened:
        opened.reindex()
        ready = make_ready(opened, Screen(sys.stderr))
    if as_json:
        print_json({"ready": ready})
    elif ready is None:
        Screen(sys.stdout).say(f"{index} is empty")
    elif not ready["failed"]:
        Screen(sys.stdout).say(f"rebuilt {index} ({ready['note']}; {ready['seconds']:.1f} s)")
    if ready is not None and ready["failed"]:
        raise typer.Exit(PARTIAL)
