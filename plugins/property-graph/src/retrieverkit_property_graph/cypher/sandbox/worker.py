"""The process that runs queries, seen from outside."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_property_graph.cypher.errors import CypherQueryError, CypherTimeoutError, CypherWorkerError

_STARTING = 60.0
"""Seconds that a process may take until it can answer, where the database is made."""

_MAKING = 3600.0
"""The same where it makes it."""
_ENDING = 5.0
"""Seconds that a process may take to end once its pipe is closed."""

_LARGEST_DATABASE = 1 << 28
_ARENAS = {"MALLOC_ARENA_MAX": "1"}
"""glibc takes addresses for each thread otherwise, which the limit of memory counts."""
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
"""What the process sees of the environment: no keys and no settings of the program around it."""

_running: weakref.WeakSet[Worker] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query returned.

    Attributes:
        columns: The names of the columns, as the database has them.
        rows: The rows. Nodes and relations are mappings with ``_LABEL`` and ``id``.
        more: Whether there were more rows than were read.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the process may take.

    Attributes:
        memory: Bytes of memory beyond what it has when it starts to answer.
        answer: Characters of one answer, as JSON.
        idle: Seconds without a query after which it ends.
    """

    memory: int = 512 << 20
    answer: int = 4_000_000
    idle: float = 60.0


class Gone(Exception):
    """The process had ended before it was asked."""


class Worker:
    """A process that answers queries about one database, one at a time.

    Args:
        folder: Where the database is.
        confinement: What the process may take.
        makes: Whether it makes the database first, from the CSV files in the folder.

    Attributes:
        ready: Whether it is between two messages.
        answered: How many queries it has answered.

    Raises:
        CypherWorkerError: It does not start.
    """

    def __init__(self, folder: Path, confinement: Confinement, *, makes: bool = False) -> None:
        self._confinement = confinement
        self._late = False
        self.ready = False
        self.answered = 0
        self._process = subprocess.Popen(  # noqa: S603 - this package's own program
            _command(folder, confinement),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        _running.add(self)
        started = self._exchange(None, _MAKING if makes else _STARTING)
        if started is None or "ready" not in started:
            self.end()
            why = f": {started['failed']}" if started is not None else ""
            what = (
                "the copy of the graph for Cypher cannot be made" if makes else "the process for Cypher does not start"
            )
            raise CypherWorkerError(f"{what}{why}", fix="see that ladybug can be imported, and that there is room")

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def ask(self, query: str, parameters: Mapping[str, Any], *, rows: int, seconds: float) -> Rows:
        """Return what a query returns.

        Raises:
            Gone: The process had ended before, as idle ones do.
            CypherTimeoutError: It took longer; the process is ended.
            CypherQueryError: The database cannot run it.
            CypherWorkerError: The process ended.
        """
        asked = {"query": query, "parameters": dict(parameters), "rows": rows, "seconds": seconds}
        answer = self._exchange({**asked, "size": self._confinement.answer}, seconds)
        if answer is None:
            ended = self._ended()
            if self._late:
                raise CypherTimeoutError(
                    f"the Cypher query took longer than {seconds:.1f} s", fix="ask for less, or raise time_limit"
                )
            if ended == 0:
                raise Gone
            raise CypherWorkerError(
                "the process ended while it ran the Cypher query, as one does that takes too much memory",
                fix="ask for less",
            )
        self.answered += 1
        if "error" in answer:
            self._refused(answer["error"], answer["sound"])
        return Rows(tuple(answer["columns"]), tuple(map(tuple, answer["rows"])), answer["more"])

    def _refused(self, told: str, sound: bool) -> None:
        if not sound:
            self.end()
        if told:
            raise CypherQueryError(f"the database cannot run the Cypher query: {told[:300]}")
        raise CypherQueryError("the database could not run the Cypher query", fix="ask for less")

    @property
    def alive(self) -> bool:
        """Whether the process runs and can be asked."""
        return self._process.poll() is None

    def end(self) -> int:
        """End the process, if it has not ended; return how it ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._close()
        return self._process.wait()

    def _ended(self) -> int:
        """Return how a process ended that has closed its pipe."""
        try:
            return self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            return self.end()
        finally:
            self._close()

    def leave(self, nothing: int) -> None:
        """Have the pipes lead nowhere, without a word to the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                os.dup2(nothing, pipe.fileno())

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass

    def _exchange(self, message: dict[str, Any] | None, seconds: float) -> dict[str, Any] | None:
        """Send a message and return the answer; None where the process ended, or was ended as it took too long."""
        assert self._process.stdin is not None and self._process.stdout is not None
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        timer.start()
        self.ready = self._late = False
        try:
            if message is not None:
                content = json.dumps(message).encode()
                self._process.stdin.write(struct.pack("<I", len(content)) + content)
                self._process.stdin.flush()
            head = self._process.stdout.read(4)
            if len(head) < 4:
                return None
            (length,) = struct.unpack("<I", head)
            content = self._process.stdout.read(length)
            if len(content) < length:
                return None
            answer: dict[str, Any] = json.loads(content)
            self.ready = not self._late
            return answer
        except OSError:
            return None
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self._late = True
        self._process.kill()


@cache
def _ladybug() -> str:
    """Return the folder that ladybug is imported from. It is not imported here: kuzu may be, and both cannot.

    Raises:
        MissingServiceError: It is not installed.
    """
    spec = find_spec("ladybug")
    if spec is None or spec.origin is None:
        raise MissingServiceError(
            "Cypher needs ladybug, which is not installed", fix="pip install 'retrieverkit-property-graph[cypher]'"
        )
    return str(Path(spec.origin).parent.parent)


def _command(folder: Path, confinement: Confinement) -> list[str]:
    size = _LARGEST_DATABASE
    while size < 8 * sum(path.stat().st_size for path in folder.iterdir() if path.is_file()):
        size *= 2
    asked = {
        "ladybug": _ladybug(),
        "folder": str(folder),
        "size": size,
        "memory": confinement.memory,
        "idle": confinement.idle,
    }
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py")), json.dumps(asked)]


def _environment() -> dict[str, str]:
    return _ARENAS | {name: os.environ[name] for name in _KEPT if name in os.environ}


def _leave_to_parent() -> None:
    """Let go, in a forked process, of the pipes to the workers of its parent, so that they see when that one ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for worker in list(_running):
        worker.leave(nothing)
    os.close(nothing)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
