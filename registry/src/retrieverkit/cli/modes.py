"""``retriever modes``."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retrieverkit.cli.installed import LightGroup
from retrieverkit.cli.options import AsJson, modes_beginning

if TYPE_CHECKING:
    from retrieverkit.discovery import Row
    from retrieverkit_core.spec import RetrieverSpec

app = typer.Typer(cls=LightGroup, help="List the installed modes. No plugin is imported.", invoke_without_command=True)

STATUS_STYLES = {"available": "green", "loaded": "green", "blocked": "dim", "conflict": "yellow"}


@app.callback()
def modes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the installed modes. No plugin is imported."""
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


class Form(StrEnum):
    """In which form a picture is written."""

    MERMAID = "mermaid"
    HTML = "html"
    SVG = "svg"


@app.command("draw")
def draw(
    mode: Annotated[str, typer.Argument(metavar="MODE", help="The mode string to draw.")],
    form: Annotated[Form, typer.Option("--format", help="The form of the picture.")] = Form.MERMAID,
) -> None:
    """Draw the tree of a mode string with its options, after checking them."""
    from retrieverkit_core.picture import draw as picture_of
    from retrieverkit_core.spec import RetrieverSpec

    spec = RetrieverSpec.parse(mode)
    _check_tree(spec)
    picture = picture_of(spec)
    typer.echo({Form.MERMAID: picture.mermaid, Form.HTML: picture.html, Form.SVG: picture.svg}[form]())


def _check_tree(spec: RetrieverSpec) -> None:
    """Raise unless every mode in the tree is installed and takes its options."""
    from retrieverkit.discovery import shared_discovery, validated_options
    from retrieverkit_core.picture import retrievers_in

    validated_options(shared_discovery().mode(spec.mode, spec.provider).spec, spec)
    for inner in retrievers_in(spec):
        _check_tree(inner)


def status_style(row: Row) -> str:
    """Return the style of a row's status."""
    return STATUS_STYLES.get(row.status, "bold red")


def row_as_dict(row: Row) -> dict[str, Any]:
    """Return a row as inert JSON."""
    from dataclasses import asdict

    return asdict(row)
