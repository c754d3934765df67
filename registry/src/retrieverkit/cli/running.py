"""One run of the command: what is raised becomes a message and an exit code, never a traceback."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING

import typer

from retrieverkit.cli.exit_codes import DONE, FAILED, INTERRUPTED, PIPE_CLOSED, USAGE
from retrieverkit.cli.installed import COMPLETION
from retrieverkit.cli.screen import Screen
from retrieverkit.cli.tools import Tools

if TYPE_CHECKING:
    from retrieverkit_core.errors import RetrieverKitError

DEBUG = "RETRIEVERKIT_DEBUG"

LOGGERS = ("retrieverkit", "retrieverkit_indexing")
"""The loggers of our packages."""

_ParserError: type[Exception] = typer.BadParameter.__bases__[0]
"""What the argument parser raises. Typer brings the parser along or takes Click's, by its version."""


def run(argv: Sequence[str]) -> int:
    """Run the command with ``argv`` and return its exit code."""
    try:
        _make_streams_safe()
        with _warnings_shown():
            code = _invoke(list(argv))
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        code = _told(error)
    return code


def _invoke(argv: list[str]) -> int:
    from retrieverkit.cli.app import app

    if COMPLETION in os.environ:
        app(argv, prog_name="retriever")
    command = typer.main.get_command(app)
    try:
        with command.make_context("retriever", argv or ["--help"], obj=Tools()) as context:
            command.invoke(context)
    except typer.Exit as finished:
        return finished.exit_code
    return DONE


def _told(error: BaseException) -> int:
    """Say what went wrong on stderr and return the exit code for it."""
    try:
        return _tell(error, Screen(sys.stderr))
    except OSError:
        return PIPE_CLOSED if isinstance(error, BrokenPipeError) else FAILED
    finally:
        _flush_or_drop()


def _tell(error: BaseException, screen: Screen) -> int:
    if os.environ.get(DEBUG) and isinstance(error, Exception):
        import traceback

        screen.write("".join(traceback.format_exception(error)))
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        screen.say("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return PIPE_CLOSED
    from retrieverkit_core.errors import RetrieverKitError, UsageError, shorten

    if isinstance(error, RetrieverKitError):
        tell_error(error, screen)
        return USAGE if isinstance(error, UsageError) else FAILED
    if isinstance(error, _ParserError):
        _tell_usage(error, screen)
        return USAGE
    if isinstance(error, OSError):
        place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
        screen.say(("error: ", "bold red"), f"{place}{error.strerror or error}")
        return FAILED
    told = f"{type(error).__name__}: {shorten(error, 300)} (this is a bug in RetrieverKit or in a plugin)"
    screen.say(("error: ", "bold red"), told)
    screen.say(("fix: ", "bold"), f"set {DEBUG}=1 to see where it was raised, and report it")
    return FAILED


def tell_error(error: RetrieverKitError, screen: Screen, label: str = "error") -> None:
    """Say what was wrong, what was behind it, and what to do."""
    from retrieverkit_core.errors import PluginError

    screen.say((f"{label}: ", "bold red" if label == "error" else "bold yellow"), error.message)
    if isinstance(error, PluginError) and (cause := cause_text(error)):
        screen.say(("cause: ", "bold"), cause)
    if error.fix:
        screen.say(("fix: ", "bold"), error.fix)


def cause_text(error: BaseException) -> str:
    """Return what an error was raised from, in one line, or an empty string where the error tells that itself."""
    from retrieverkit_core.errors import shorten

    cause = error.__cause__
    if cause is None:
        return ""
    told = f"{type(cause).__name__}: {shorten(cause, 200)}".removesuffix(": ")
    return "" if told in str(error) else told


def _tell_usage(error: Exception, screen: Screen) -> None:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    screen.say(("error: ", "bold red"), message)
    context = getattr(error, "ctx", None)
    if context is None:
        return
    screen.say(("usage: ", "bold"), context.get_usage().removeprefix("Usage: "))
    hint = f"see '{context.command_path} --help'"
    if message.startswith("No such option") and context.info_name == "search":
        hint += "; a query that begins with '-' goes behind '--'"
    screen.say(("fix: ", "bold"), hint)


def _make_streams_safe() -> None:
    """Let every character be written somehow."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the caller closed it
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Show what is logged in our own form while the command runs; a program that calls it keeps its own handlers."""
    shown = _Warnings(logging.WARNING)
    logging.getLogger().addHandler(shown)
    before = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        yield
    finally:
        logging.getLogger().removeHandler(shown)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def show_logs(level: str) -> None:
    """Show what our packages log from a level on, such as ``"info"``; of others, warnings alone."""
    number = logging.getLevelNamesMapping()[level.upper()]
    for name in LOGGERS:
        logging.getLogger(name).setLevel(number)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Warnings):
            handler.setLevel(min(number, logging.WARNING))


class _Warnings(logging.Handler):
    """Shows what the packages log, one line per message."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            style = "bold yellow" if record.levelno >= logging.WARNING else "dim"
            Screen(sys.stderr).say((f"{record.levelname.lower()}: ", style), record.getMessage())
        except Exception:
            self.handleError(record)


def _flush_or_drop() -> None:
    """Write what is left; where nobody reads it, make sure that Python does not complain of it on its way out."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            stream.flush()
        except (OSError, ValueError):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
            _discard(stream)


def _discard(stream: object) -> None:
    try:
        descriptor = stream.fileno()  # type: ignore[attr-defined]
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, descriptor)
        os.close(devnull)
    except (OSError, ValueError):
        return
