"""Writes docs/reference/cli.md from the commands themselves: ``python tests/support/cli_reference.py``."""

import inspect

import typer
from workspace import PACKAGES, ROOT, normalise

from retrieverkit.cli.app import app
from retrieverkit.discovery import COMMANDS, shared_discovery

PAGE = ROOT / "docs" / "reference" / "cli.md"
REGENERATE = "python tests/support/cli_reference.py"

HEAD = f"""# The command `retriever`

<!-- Made from the commands themselves. Do not edit it; write it again with: {REGENERATE} -->

"""

TAIL = """## Exit codes

| code | meaning |
|---|---|
| 0 | done; an empty answer is not an error |
| 1 | an error, reported as `error:` and `fix:` on stderr; from `doctor`: something is wrong |
| 2 | the arguments are wrong |
| 3 | partial: a leg or a query failed, or a file could not be read; the rest was printed or stored |
| 130 | interrupted |
| 141 | the reader of the output closed it |

## Output

Results go to stdout; warnings, progress and reports on files go to stderr. On a terminal, lines are wrapped to its
width and the query's words stand out; `NO_COLOR=1` switches colours off. Other outputs get plain text, one line per
passage. With `--json`, stdout holds one JSON document. Control characters in documents are shown as escapes, such
as `\\x1b`.

## Environment

| variable | meaning |
|---|---|
| `RETRIEVERKIT_INDEX` | the index that commands use if neither an index nor a path is named |
| `EDITOR`, `VISUAL` | the editor that `search --open` starts |
| `XDG_CACHE_HOME` | where `search` keeps what it has read of the paths it was given (on Linux) |
| `RETRIEVERKIT_CACHE_LIMIT` | how much of that is kept, such as `500 MB`; 2 GB unless set |
| `RETRIEVERKIT_PLUGINS`, `RETRIEVERKIT_BLOCK`, `RETRIEVERKIT_PREFER` | which plugins are used |
| `RETRIEVERKIT_LOAD_TIMEOUT` | seconds for a plugin's import, 30 unless set |
| `RETRIEVERKIT_DEBUG` | `1` shows where an error was raised |
"""


def page() -> str:
    """Return the page as the live commands make it."""
    group = typer.main.get_command(app)
    own = "".join(_command(f"retriever {name}", command) for name, command in group.commands.items())
    added = "".join(
        _command(f"retriever {row.name}", group.get_command(None, row.name).load(), row.distribution)
        for row in _added()
    )
    return HEAD + own + added + TAIL


def _added() -> list:
    """Return the commands of this repository's other packages."""
    ours = {normalise(package.name) for package in PACKAGES}
    return [row for row in shared_discovery().rows(COMMANDS) if normalise(row.distribution) in ours]


def _command(path, command, distribution="") -> str:
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join([path, *map(_as_argument, arguments), *map(_as_option, options)])
    text = f"## `{path}`\n\n```text\n{_wrapped(usage)}\n```\n\n{_described(command.help)}\n\n"
    text += f"It comes with another package: `pip install {distribution}`.\n\n" if distribution else ""
    if command.params:
        rows = [*((_name(each), each) for each in arguments), *((each.opts[0], each) for each in options)]
        text += "| | |\n|---|---|\n" + "".join(f"| `{name}` | {each.help} |\n" for name, each in rows) + "\n"
    for name, inner in getattr(command, "commands", {}).items():
        text += _command(f"{path} {name}", inner)
    return text


def _described(text: str) -> str:
    """Return a help text with its examples in a block of their own."""
    before, examples, lines = inspect.cleandoc(text).partition("Examples:\n")
    return f"{before}{examples}\n```text\n{inspect.cleandoc(lines)}\n```" if examples else before


def _name(argument) -> str:
    return argument.metavar or argument.name.upper()


def _as_argument(argument) -> str:
    name = _name(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _as_option(option) -> str:
    value = "" if option.is_flag else f" {option.metavar or option.opts[0].lstrip('-').upper()}"
    return f"{option.opts[0]}{value}" if option.required else f"[{option.opts[0]}{value}]"


def _wrapped(usage: str) -> str:
    lines = [""]
    for part in usage.replace(" [", "\n[").split("\n"):
        if lines[-1] and len(lines[-1]) + len(part) > 95:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
