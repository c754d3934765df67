"""`KeywordCache`: the keywords that a model named, by what it was asked, in one SQLite file."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from retrieverkit_indexing.cache_file import CacheFile, digest

FILE_NAME = "keywords-1.sqlite3"
"""The number counts the changes to the table below."""

_APPLICATION_ID = 0x524B4B43  # "RKKC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS keywords (key BLOB PRIMARY KEY, digest BLOB NOT NULL, named BLOB NOT NULL) WITHOUT ROWID;
"""
_log = logging.getLogger("retrieverkit_keyword")


class KeywordCache:
    """Keywords by key. Safe to share between threads, processes and forks; see `CacheFile`.

    Args:
        folder: Where the file is kept.
        writable: Whether the folder may be written; if not, what comes is kept for this process.
    """

    def __init__(self, folder: Path, writable: bool = True) -> None:
        self._stored = _file(Path(folder) / FILE_NAME)
        self._kept = self._stored if writable else _file(None)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, list[str]]:
        """Return what is there, by its keys. No file is made or changed."""
        wanted = list(keys)

        def read(connection: sqlite3.Connection) -> dict[bytes, list[str]]:
            found = {}
            for key in wanted:
                row = connection.execute("SELECT digest, named FROM keywords WHERE key = ?", (key,)).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == digest(key, row[1]):
                    found[key] = json.loads(row[1])
            return found

        nothing: dict[bytes, list[str]] = {}
        found = self._stored.look(read, nothing)
        return found if self._kept is self._stored else {**found, **self._kept.use(read, nothing)}

    def put(self, key: bytes, named: Sequence[str]) -> None:
        """Keep what a model named."""
        value = json.dumps(list(named)).encode("ascii")

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO keywords VALUES (?, ?, ?)", (key, digest(key, value), value))

        self._kept.use(write, None)


def _file(path: Path | None) -> CacheFile:
    return CacheFile(path, _TABLES, _APPLICATION_ID, holds="keywords", log=_log)
