"""``retriever config``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from retrieverkit.cli.installed import LightGroup
from retrieverkit.cli.options import AsJson, modes_beginning

app = typer.Typer(
    cls=LightGroup, no_args_is_help=True, help="Write a config of a retriever, and see what is wrong with one."
)

_FILE = Path("retriever.toml")


@app.command("init")
def init(
    mode: Annotated[
        str,
        typer.Argument(
            metavar="MODE",
            help="The mode string; by default the mode that `search` uses.",
            autocompletion=modes_beginning,
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="The file to write; '-' for stdout.")
    ] = _FILE,
) -> None:
    """Write a config with every option of a mode, those that are not set as comments with their defaults.

    A file that is there is not overwritten.

    Examples:
      retriever config init
      retriever config init 'fusion(bm25, vector, weights=[2, 1])' --output fused.toml
    """
    from retrieverkit.building import default_mode
    from retrieverkit.cli.config_file import config_text
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.search import decodable
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.errors import UsageError
    from retrieverkit_core.spec import RetrieverSpec

    discovery = shared_discovery()
    spec = RetrieverSpec.parse(decodable("MODE", mode) or default_mode(discovery)[0])
    text = config_text(spec, discovery)
    out = Screen(sys.stdout)
    if output == Path("-"):
        out.write(text)
        return
    try:
        with output.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{output} is there already", fix="name another file with --output, or '-' for stdout"
        ) from None
    out.say(f"wrote {output}; search with it: retriever search QUERY PATH --config {output}")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The config: TOML, YAML or JSON.")] = _FILE,
    as_json: AsJson = False,
) -> None:
    """Report all that is wrong with a config: modes, options, packages and keys that are missing.

    The retriever is built on an empty index. Nothing is searched and no model is asked; of a key only the name of its
    environment variable is shown. The exit code is 1 if anything is wrong.

    Examples:
      retriever config check retriever.toml
    """
    from retrieverkit.cli.config_check import findings
    from retrieverkit.cli.exit_codes import FAILED
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import shared_discovery

    found = findings(file, shared_discovery())
    if as_json:
        problems = [{"problem": problem, "fix": fix} for problem, fix in found.problems]
        print_json({"file": str(file), "mode": found.spec or None, "problems": problems, "notes": found.notes})
    else:
        out = Screen(sys.stdout)
        if found.spec:
            out.say((str(file), "bold"), f"  {found.spec}")
        for problem, fix in found.problems:
            out.say(("problem: ", "bold red"), problem)
            if fix:
                out.say(("fix: ", "bold"), fix, lead="  ")
        for note in found.notes:
            out.say(("note: ", "bold"), note)
        if not found.problems:
            out.say(("nothing is wrong", "green"))
    if found.problems:
        raise typer.Exit(FAILED)
