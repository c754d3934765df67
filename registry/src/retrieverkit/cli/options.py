"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retrieverkit.reading import FileRules


def modes_beginning(written: str) -> list[str]:
    """Return the installed modes that a word which is being typed may become."""
    from retrieverkit.discovery import shared_discovery

    return sorted({row.name for row in shared_discovery().rows() if row.name.startswith(written)})


INDEX_VARIABLE = "RETRIEVERKIT_INDEX"
"""Names the index where no option does."""

WHERE, HOW, LIMITS, SHOWN = "Where to search", "How to search", "Time and models", "What is shown"
"""The groups of options in the help of a command."""

IndexFolder = Annotated[
    Path,
    typer.Option(
        "--index",
        "-i",
        metavar="DIR",
        envvar=INDEX_VARIABLE,
        show_envvar=False,
        help="The folder of the index. Default: the one that RETRIEVERKIT_INDEX names.",
        show_default=False,
    ),
]
Calls = Annotated[
    Path | None,
    typer.Option(
        "--cassette",
        metavar="FILE",
        help="Record model calls to FILE. If FILE exists, replay them from it and ask no model.",
        show_default=False,
        rich_help_panel=LIMITS,
    ),
]
Glob = Annotated[
    list[str] | None,
    typer.Option(
        "--glob",
        metavar="PATTERN",
        help="Read only files that match, such as '*.md'; repeatable.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave out files and folders that match; repeatable.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Hidden = Annotated[bool, typer.Option("--hidden", help="Also read hidden files and folders.", rich_help_panel=WHERE)]
NoIgnore = Annotated[
    bool,
    typer.Option("--no-ignore", help="Also read files that .gitignore and .ignore exclude.", rich_help_panel=WHERE),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="The encoding of text files that are not UTF-8, such as cp1252.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if files of unsupported kinds were left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=SHOWN)]

OneIndex = Annotated[
    Path | None,
    typer.Option(
        "--index",
        "-i",
        metavar="DIR",
        help="Search this index instead of files.",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        "-m",
        metavar="MODE",
        help="A mode string, such as 'bm25(top_k=20)'. Default: hybrid if it is installed, else bm25.",
        autocompletion=modes_beginning,
        show_default=False,
        rich_help_panel=HOW,
    ),
]
ModeOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="NAME=VALUE",
        help="An option of the mode, such as language=de; repeatable.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
Embedding = Annotated[
    str | None,
    typer.Option(
        "--embedding",
        metavar="SPEC",
        help="The embedding of the mode: the same as -o embedding=SPEC.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="A JSON, TOML or YAML file that describes the retriever.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        "-k",
        metavar="K",
        help="Return at most K hits. Default: that of the mode, 5 for the modes shipped here.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
Filters = Annotated[
    str | None,
    typer.Option(
        "--filter",
        "-f",
        metavar="FILTER",
        help="Return only hits whose metadata passes, such as 'year >= 1960 and lang != \"de\"', or a filter as JSON.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
Scope = Annotated[
    str | None,
    typer.Option(
        "--scope",
        metavar="FILTER",
        help="A mandatory filter, such as a tenant; it is added to --filter in every leg.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Give up after this many seconds.",
        show_default=False,
        rich_help_panel=LIMITS,
    ),
]
BudgetText = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="LIMITS",
        help="Limits on model use: llm_calls, embedding_calls and tokens, such as "
        "'llm_calls=3,tokens=10000'. Add ',partial' to see what was found before a limit was reached.",
        show_default=False,
        rich_help_panel=LIMITS,
    ),
]
Typos = Annotated[
    bool,
    typer.Option(
        "--typos/--no-typos",
        help="Replace a query word that is in no document by the most similar word that is in one, and report it.",
        rich_help_panel=HOW,
    ),
]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH",
        help="Files and folders to search. Default: the index that RETRIEVERKIT_INDEX names, else the current folder.",
        show_default=False,
    ),
]


def file_rules(
    glob: list[str] | None, exclude: list[str] | None, hidden: bool, no_ignore: bool, encoding: str | None
) -> FileRules:
    """Return which files are read, and how.

    Raises:
        UsageError: A pattern or an encoding is none.
    """
    from retrieverkit.reading import FileRules
    from retrieverkit_core.errors import UsageError

    try:
        return FileRules.of(glob or (), exclude or (), hidden=hidden, ignore_files=not no_ignore, encoding=encoding)
    except ValueError as error:
        raise UsageError(str(error), fix="patterns are those of .gitignore; encodings are those of Python") from None
