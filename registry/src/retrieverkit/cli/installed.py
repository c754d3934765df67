"""The commands that other packages add, by entry points of the group ``retrieverkit.commands``.

The name of the entry point is the command's. Its object is a function with typer's annotations, or a `typer.Typer`
for a command with commands of its own::

    [project.entry-points."retrieverkit.commands"]
    eval = "retrieverkit_evaluate.command:evaluate_command"

A package that imports nothing of this one finds what it needs in `typer.Context.obj`: `Tools`.

The package is imported when its command is run, not before: help and completion know the names from metadata. What the
command raises of `RetrieverKitError` becomes a message and an exit code. A command of ``retriever`` itself cannot be
replaced.
"""

from __future__ import annotations

import os
from functools import partial
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from retrieverkit.discovery import Claim

COMPLETION = "_RETRIEVER_COMPLETE"
"""Is in the environment where a shell asks how a word goes on."""

KNOWN_COMMANDS = {
    "adapt": "retrieverkit-adapt",
    "eval": "retrieverkit-evaluate",
    "graph": "retrieverkit-property-graph",
}
"""Which distribution provides each first-party command, so that a missing one can be named with its pip command."""

_SUMMARIES = {"graph": "Show a property graph, and add triples to it."}
"""What a first-party command does, where its package does more and the summary in its metadata says so."""

_ADDED = "Of other packages"


class InstalledCommand(TyperCommand):
    """A command that is known by its name; nothing of it is imported.

    Args:
        claim: The entry point.
        provider: The distribution that it must come from, as in ``retriever dist:name``, or None.
    """

    def __init__(self, claim: Claim, provider: str | None) -> None:
        super().__init__(claim.name, help=_summary(claim), rich_help_panel=_ADDED)
        self._claim = claim
        self._provider = provider

    def load(self) -> Any:
        """Return the command itself.

        Raises:
            ConfigError: Several distributions provide it.
            PluginError: It is blocked, does not load, or is not a command.
        """
        from retrieverkit.discovery import COMMANDS, shared_discovery
        from retrieverkit_core.errors import PluginContractError

        name = self._claim.name
        loaded = shared_discovery().load(COMMANDS, name, self._provider)
        group = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        try:
            if isinstance(loaded, typer.Typer):
                group.add_typer(loaded, name=name)
            elif callable(loaded):
                group.command(name)(loaded)
            else:
                raise TypeError(f"it is {type(loaded).__name__}")
            return _shown(typer.main.get_group(group).commands[name])
        except Exception as error:  # typer checks annotations in many ways
            raise PluginContractError(
                f"{self._claim.described} is neither a typer command nor a typer app",
                mode=name,
                distribution=self._claim.label,
            ) from error


class LightGroup(TyperGroup):
    """Commands whose names are listed without loading pydantic.

    Typer loads it for the value of a flag that is neither on nor off, as its own flags are if they are not given.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options; a flag that is not given is off."""
        options: list[Any] = list(super().get_params(ctx))
        for option in options:
            if getattr(option, "is_flag", False) and option.default is None:
                option.default = False
            if option.callback is None and getattr(getattr(option, "type_descriptor", None), "annotation", None) is str:
                option.process_value = _as_written  # a text is what was written
        return _light(options)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command as it is shown."""
        command: Any = super().get_command(ctx, cmd_name)
        return command if command is None else _shown(command)


def _shown(command: Any) -> Any:
    """Return a command whose help shows no type behind a flag, as if a value were wanted, and flows with the width."""
    if not isinstance(command.get_params, partial):
        command.get_params = partial(_light_params, command.get_params)
        command.help = _flowing(command.help or "")
    for inner in getattr(command, "commands", {}).values():
        _shown(inner)
    return command


def _flowing(text: str) -> str:
    """Return a help text with one line per paragraph; what is indented, as examples are, stays as it is."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(each if "\n " in each else each.replace("\n", " ") for each in paragraphs)


def _light_params(all_params: Callable[[Any], list[Any]], ctx: Any) -> list[Any]:
    """Return the parameters of a command, ``--help`` too."""
    return _light(all_params(ctx))


def _light(params: list[Any]) -> list[Any]:
    """Return the parameters: flags show no type, and what is typed so far is not checked where it is completed."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.display_type_rich = _no_type
        if COMPLETION in os.environ:
            param.process_value = _as_written
    return params


def _as_written(ctx: Any, value: Any) -> Any:
    """Return the value of a parameter as it was written."""
    return value


def _no_type(ctx: Any) -> None:
    """Return the type that is shown of a flag: none."""


class Commands(LightGroup):
    """The commands of ``retriever``, and behind them those of other packages."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return every command, without importing one of another package."""
        own = super().list_commands(ctx)
        return own + [name for name, found in _claims().items() if name not in own and found[0].is_valid]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; one of another package as an `InstalledCommand`."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        provider, _, name = cmd_name.rpartition(":")
        claims = [claim for claim in _claims().get(name, ()) if claim.is_valid]
        return InstalledCommand(claims[0], provider or None) if claims else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that is to be run, imported.

        Raises:
            ConfigError: It is known and not installed, or several distributions provide it.
            PluginError: It cannot be used.
        """
        from retrieverkit_core.errors import ConfigError

        if args[0] in KNOWN_COMMANDS and self.get_command(ctx, args[0]) is None:
            raise ConfigError(
                f"the command {args[0]!r} is known but not installed", fix=f"pip install {KNOWN_COMMANDS[args[0]]}"
            )
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, InstalledCommand) else command, rest


def _summary(claim: Claim) -> str:
    """Return what a command does, as far as metadata knows."""
    own = _SUMMARIES.get(claim.name, "") if KNOWN_COMMANDS.get(claim.name) == claim.distribution else ""
    return own or claim.summary or f"A command of {claim.label}."


def _claims() -> Mapping[str, Sequence[Claim]]:
    from retrieverkit.discovery import COMMANDS, shared_discovery

    return shared_discovery().catalog.claims(COMMANDS)
