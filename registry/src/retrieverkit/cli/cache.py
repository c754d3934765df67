"""``retriever cache``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.cli.installed import LightGroup
from retrieverkit.cli.options import AsJson

if TYPE_CHECKING:
    from retrieverkit.cli.copies import Copy

app = typer.Typer(
    cls=LightGroup,
    no_args_is_help=True,
    help="See and clear what `retriever search QUERY PATH...` keeps of the paths that were searched.",
)


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """List what is kept: of which paths, how large, and when it was last used.

    Together it takes at most 2 GB, or what RETRIEVERKIT_CACHE_LIMIT says, such as '500 MB'; beyond that, what was not
    used for longest is removed.

    Examples:
      retriever cache ls
    """
    from retrieverkit.cli.copies import cache_folder, copies, limit_of_cache
    from retrieverkit.cli.index_facts import size_text, time_text
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen

    limit, folder = limit_of_cache(), cache_folder()
    held = [(copy, copy.size) for copy in copies()]
    if as_json:
        rows = [
            {"folder": str(copy.folder), "paths": _paths(copy), "bytes": size, "used_at": time_text(copy.last_used)}
            for copy, size in held
        ]
        print_json({"folder": str(folder), "limit": limit, "bytes": sum(size for _, size in held), "copies": rows})
        return
    out = Screen(sys.stdout)
    if held:
        rows_of = [[time_text(copy.last_used), size_text(size), ", ".join(_paths(copy)) or "?"] for copy, size in held]
        out.table(["last used", "size", "paths"], rows_of)
    out.say(f"{size_text(sum(size for _, size in held))} of {size_text(limit)} in {folder}")


@app.command("clear")
def clear(
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="AGE",
            help="Only what was not used for so long, such as 30d; m, h, d and w are minutes, hours, days and weeks.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what is kept. Nothing is lost: the next search of the same paths reads them again.

    What a process searches at this moment stays, and is named.

    Examples:
      retriever cache clear --older-than 30d
    """
    from retrieverkit.cli.copies import clear as cleared
    from retrieverkit.cli.copies import seconds_of
    from retrieverkit.cli.index_facts import size_text
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen

    removed, used, freed = cleared(None if older_than is None else seconds_of(older_than))
    if as_json:
        print_json({"removed": len(removed), "in_use": [str(copy.folder) for copy in used], "freed_bytes": freed})
        return
    copies = f"{len(removed):,} {'copy' if len(removed) == 1 else 'copies'}"
    Screen(sys.stdout).say(f"{copies} removed, {size_text(freed)} free again")
    for copy in used:
        Screen(sys.stderr).say(("in use: ", "bold yellow"), ", ".join(_paths(copy)) or str(copy.folder))


def _paths(copy: Copy) -> list[str]:
    from retrieverkit.cli.json_output import printable

    return [*map(printable, copy.paths)]
