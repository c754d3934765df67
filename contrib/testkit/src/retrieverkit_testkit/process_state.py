"""What retrieving must leave as it was in the process: streams, folder, environment, random numbers and so on."""

from __future__ import annotations

import gc
import io
import locale
import logging
import os
import random
import re
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

_OWN_VARIABLES = re.compile(r"PYTEST_|COV_|RETRIEVERKIT_")
_WARNING = re.compile(r"^.*\w*Warning: .*\n(  .*\n)?", re.MULTILINE)
_OF_IMPORTS = ("warnings", "environment", "import path")
"""Parts that libraries may set when they are imported for the first time."""


@dataclass
class Watch:
    """What was seen of one stretch of calls.

    Attributes:
        problems: What is not as it was, one line each.
    """

    problems: list[str] = field(default_factory=list)


@contextmanager
def watched() -> Iterator[Watch]:
    """Compare the process before and after a block, and keep what is printed in it off the terminal."""
    seen = Watch()
    before, modules = process_state(), len(sys.modules)
    printed = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    streams: dict[str, Any] = {name: _Aside(getattr(sys, name), copy) for name, copy in printed.items()}
    kept = {name: getattr(sys, name) for name in streams}
    for name, stream in streams.items():
        setattr(sys, name, stream)
    try:
        yield seen
    finally:
        for name, stream in streams.items():
            if getattr(sys, name) is not stream:
                seen.problems.append(f"sys.{name} was replaced")
            setattr(sys, name, kept[name])
        after = process_state()
        imported = len(sys.modules) > modules
        for part, value in before.items():
            if after[part] != value and not (imported and part in _OF_IMPORTS):
                seen.problems.append(f"the {part} changed{_difference(value, after[part])}")
        for name, copy in printed.items():
            text = _WARNING.sub("", copy.getvalue()).strip()
            if text:
                seen.problems.append(f"{text[:100]!r} was printed to {name}")


def process_state() -> dict[str, Any]:
    """Return what all code of the process shares, by what it is called."""
    state: dict[str, Any] = {
        "working directory": os.getcwd(),
        "environment": {name: value for name, value in os.environ.items() if not _OWN_VARIABLES.match(name)},
        "import path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": _umask(),
        "time zone": (time.tzname, time.timezone),
        "warnings": [tuple(map(str, each)) for each in warnings.filters],
        "way warnings are shown": warnings.showwarning,
        "logging": _logging(),
        "recursion limit": sys.getrecursionlimit(),
        "thread switch interval": sys.getswitchinterval(),
        "default socket timeout": socket.getdefaulttimeout(),
        "exception hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "garbage collector": (gc.isenabled(), gc.get_threshold()),
        "trace functions": (sys.gettrace() is None, sys.getprofile() is None),
    }
    return state


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _logging() -> tuple[Any, ...]:
    root = logging.getLogger()
    named = [logging.getLogger(name) for name in ("retrieverkit", "retrieverkit_core", "asyncio")]
    handlers = [handler for handler in root.handlers if type(handler).__module__.partition(".")[0] != "_pytest"]
    return (
        root.level,
        [id(handler) for handler in handlers],
        logging.root.manager.disable,
        logging.raiseExceptions,
        logging.getLoggerClass(),
        logging.getLogRecordFactory(),
        *((logger.level, logger.disabled) for logger in named),
    )


def random_states() -> dict[str, Any]:
    """Return the state of each shared source of random numbers."""
    states: dict[str, Any] = {"random": random.getstate()}
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        states["numpy.random"] = repr(numpy_random.get_state(legacy=False))
    return states


def _difference(before: Any, after: Any) -> str:
    if isinstance(before, dict):
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return f": {', '.join(changed[:5])}"
    return f" from {before!r} to {after!r}" if isinstance(before, str) else ""


class _Aside:
    """A stream that keeps a copy of what is written, and passes everything else on."""

    def __init__(self, stream: TextIO, copy: io.StringIO) -> None:
        self._stream = stream
        self._copy = copy

    def write(self, text: str) -> int:
        return self._copy.write(text)

    def writelines(self, lines: list[str]) -> None:
        self._copy.writelines(lines)

    def flush(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
