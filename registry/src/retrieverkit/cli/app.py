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

_LEVELS = ("debug", "info", "warning", "error")

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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more of what is done, as `retriever -v search …`.")
    ] = False,
    log_level: Annotated[
        str,
        typer.Option(
            "--log-level",
            metavar="LEVEL",
            help="Show what is logged from debug, info, warning or error on. Default: warning.",
            show_default=False,
        ),
    ] = "",
) -> None:
    if verbose or log_level:
        from retrieverkit.cli.running import show_logs
        from retrieverkit_core.errors import UsageError

        level = log_level.lower() or "info"
        if level not in _LEVELS:
            raise UsageError(f"--log-level takes {', '.join(_LEVELS)}", fix="write one of them")
        show_logs(level)


_SEARCH, _INDEX, _MODES = "Search", "Keep an index", "Modes and plugins"

app.command("search", rich_help_panel=_SEARCH)(search.search)
app.command("similar", rich_help_panel=_SEARCH)(similar.similar)
app.command("why-not", rich_help_panel=_SEARCH)(why_not.why_not)
app.add_typer(cache.app, name="cache", rich_help_panel=_SEARCH)
app.command("index", rich_help_panel=_INDEX)(index.index)
app.command("watch", rich_help_panel=_INDEX)(watch.watch)
app.command("status", rich_help_panel=_INDEX)(status.status)
app.command("ls", rich_help_panel=_INDEX)(documents.ls)
app.command("show", rich_help_panel=_INDEX)(documents.show)
app.command("rm", rich_help_panel=_INDEX)(documents.rm)
app.command("backup", rich_help_panel=_INDEX)(backup.backup)
app.command("restore", rich_help_panel=_INDEX)(backup.restore)
app.command("reindex", rich_help_panel=_INDEX)(reindex.reindex)
app.add_typer(modes.app, name="modes", rich_help_panel=_MODES)
app.add_typer(config.app, name="config", rich_help_panel=_MODES)
app.command("plugins", rich_help_panel=_MODES)(plugins.plugins)
app.command("doctor", rich_help_panel=_MODES)(doctor.doctor)
app.command("new-plugin", rich_help_panel=_MODES)(new_plugin.new_plugin)
