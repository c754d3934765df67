"""``retriever modes``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrieverkit.cli.installed import LightGroup
from retrieverkit.cli.options import AsJson, modes_beginning

if TYPE_CHECKING:
    from retrieverkit.discovery import Row

app = typer.Typer(
    cls=LightGroup, help="List the installed modes. Nothing of a plugin is imported.", invoke_without_command=True
)

STATUS_STYLES = {"available": "green", "loaded": "green", "blocked": "dim", "conflict": "yellow"}


@app.callback()
def modes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the installed modes. Nothing of a plugin is imported."""
    if context.invoked_subcommand is not None:
        return
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import shared_discovery

    rows = shared_discovery().rows()
    if as_json:
        told = [row_as_dict(row) for row in rows]
        print_json([{"mode": row.pop("name"), **row} for row in told])
        return
    screen = Screen(sys.stdout)
    if not rows:
        screen.say("no retriever mode is installed")
        screen.say(("fix: ", "bold"), "pip install 'retrieverkit[bm25]'")
        return
    screen.table(
        ["mode", "distribution", "version", "status"],
        [[row.name, row.distribution, row.version, (row.status, status_style(row))] for row in rows],
    )
    for row in rows:
        if row.note:
            screen.say((f"{row.name} of {row.distribution}: ", "bold"), row.note)


@app.command("show")
def show(
    mode: Annotated[
        str, typer.Argument(metavar="MODE", help="The mode, or distribution:mode.", autocompletion=modes_beginning)
    ],
    as_json: AsJson = False,
) -> None:
    """Show what one mode does and which options it takes. This imports its plugin."""
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.mode_page import mode_as_dict, write_mode
    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.spec import RetrieverSpec

    spec = RetrieverSpec.parse(mode)
    plugin = shared_discovery().mode(spec.mode, spec.provider)
    if as_json:
        print_json(mode_as_dict(plugin))
    else:
        write_mode(plugin, Screen(sys.stdout))


def status_style(row: Row) -> str:
    """Return the style of a row's status."""
    return STATUS_STYLES.get(row.status, "bold red")


def row_as_dict(row: Row) -> dict[str, Any]:
    """Return a row as inert JSON."""
    from dataclasses import asdict

    return asdict(row)
