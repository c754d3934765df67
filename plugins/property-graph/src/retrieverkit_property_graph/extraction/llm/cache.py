"""`AnswerCache`: what a model said of texts, and what it could not say, by what it was asked, in one SQLite file."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from time import time
from typing import NamedTuple

from retrieverkit_indexing.cache_file import CacheFile, digest

FILE_NAME = "graph-answers-1.sqlite3"
"""The number counts the changes to the tables below."""

RETRY_PAUSE = 2.0
"""Seconds after the first failure before the same is asked again; each further one doubles them."""
LONGEST_PAUSE = 24 * 3600.0

_APPLICATION_ID = 0x524B4743  # "RKGC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, digest BLOB NOT NULL, answer BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS failures (key BLOB PRIMARY KEY, count INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""
_FAILURES = "SELECT count, at FROM failures WHERE key = ?"
_log = logging.getLogger("retrieverkit_property_graph")


class Failures(NamedTuple):
    """What could not be answered.

    Attributes:
        times: How often.
        at: When it was last, in seconds since 1970.
    """

    times: int
    at: float

    @property
    def postponed(self) -> bool:
        """Whether nobody is to be asked again yet. A clock that was put back does not postpone."""
        pause: float = min(LONGEST_PAUSE, RETRY_PAUSE * 2 ** min(self.times - 1, 30))
        return 0 <= time() - self.at < pause


class AnswerCache:
    """Answers by key. Safe to share between threads, processes and forks; see `CacheFile`.

    Args:
        folder: Where the file is kept.
        writable: Whether the folder may be written; if not, what comes is kept for this process.
    """

    def __init__(self, folder: Path, writable: bool = True) -> None:
        self._stored = _file(Path(folder) / FILE_NAME)
        self._kept = self._stored if writable else _file(None)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the answers that are there, by their keys. No file is made or changed."""
        wanted = list(keys)

        def read(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            found = {}
            for key in wanted:
                row = connection.execute("SELECT digest, answer FROM answers WHERE key = ?", (key,)).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == digest(key, row[1]):
                    found[key] = row[1]
            return found

        nothing: dict[bytes, bytes] = {}
        found = self._stored.look(read, nothing)
        return found if self._kept is self._stored else {**found, **self._kept.use(read, nothing)}

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer; what failed before is forgotten."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, digest(key, answer), answer))
            connection.execute("DELETE FROM failures WHERE key = ?", (key,))

        self._kept.use(write, None)

    def failures(self, keys: Iterable[bytes]) -> dict[bytes, Failures]:
        """Return how often answers could not be used, and when that was last; nothing of keys that never failed."""
        wanted = list(keys)

        def read(connection: sqlite3.Connection) -> dict[bytes, Failures]:
            rows = ((key, connection.execute(_FAILURES, (key,)).fetchone()) for key in wanted)
            return {key: Failures(*row) for key, row in rows if row is not None}

        nothing: dict[bytes, Failures] = {}
        found = self._stored.look(read, nothing)
        return found if self._kept is self._stored else {**found, **self._kept.use(read, nothing)}

    def failed(self, key: bytes) -> None:
        """Note that an answer could not be used."""
        before = self.failures([key]).get(key)
        row = (key, before.times + 1 if before else 1, time())

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", row)

        self._kept.use(write, None)


def _file(path: Path | None) -> CacheFile:
    return CacheFile(path, _TABLES, _APPLICATION_ID, holds="graph answers", log=_log)
