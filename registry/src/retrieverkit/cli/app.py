"""The commands of ``retriever``."""

from __future__ import annotations

from typing import Annotated

import typer

from retrieverkit.cli import (
    backup,
    cache,
    config,
    doctor,
    documents,
    index,
    modes,
    new_plugin,
    plugins,
    reindex,
    search,
    similar,
    status,
    watch,
    why_not,
)
from retrieverkit.cli.installed import Commands

_HELP = """Index your files and search them. Every way of searching is a mode; a mode is a plugin.

Examples:
  retriever search "coolant pump" notes
  retriever index notes --index plant.rk
  retriever search "coolant pump" --index plant.rk --mode bm25
"""

app = typer.Typer(
    name="retriever",
    cls=Commands,
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"retriever {version('retrieverkit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


app.command("index")(index.index)
app.command("search")(search.search)
app.command("watch")(watch.watch)
app.command("similar")(similar.similar)
app.command("why-not")(why_not.why_not)
app.command("status")(status.status)
app.command("ls")(documents.ls)
app.command("show")(documents.show)
app.command("rm")(documents.rm)
app.add_typer(config.app, name="config")
app.add_typer(cache.app, name="cache")
app.add_typer(modes.app, name="modes")
app.command("plugins")(plugins.plugins)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("reindex")(reindex.reindex)
app.command("new-plugin")(new_plugin.new_plugin)
