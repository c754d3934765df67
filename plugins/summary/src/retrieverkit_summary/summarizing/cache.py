"""`SummaryCache`: summaries that were made once, by what they were made of, in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from retrieverkit_indexing.cache_file import CacheFile, digest

FILE_NAME = "summaries-1.sqlite3"
"""The number counts the changes to the table below."""

_APPLICATION_ID = 0x524B5343  # "RKSC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS summaries (key BLOB PRIMARY KEY, digest BLOB NOT NULL, text BLOB NOT NULL) WITHOUT ROWID;
"""
_log = logging.getLogger("retrieverkit_summary")


def key_of(*parts: str) -> bytes:
    """Return the SHA-256 of some texts, which no other texts have."""
    return hashlib.sha256(json.dumps(parts).encode("ascii")).digest()


class SummaryCache:
    """Summaries by key. Safe to share between threads, processes and forks; see `CacheFile`.

    Args:
        folder: Where the file is kept; None keeps all in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        path = None if folder is None else Path(folder) / FILE_NAME
        self._file = CacheFile(path, _TABLES, _APPLICATION_ID, holds="summaries", log=_log)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        """Return the summaries that are there, by their keys."""
        wanted = list(keys)

        def read(connection: sqlite3.Connection) -> dict[bytes, str]:
            found = {}
            for key in wanted:
                row = connection.execute("SELECT digest, text FROM summaries WHERE key = ?", (key,)).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == digest(key, row[1]):
                    found[key] = row[1].decode("utf-8", "surrogatepass")
            return found

        nothing: dict[bytes, str] = {}
        return self._file.use(read, nothing)

    def put(self, key: bytes, text: str) -> None:
        """Keep a summary."""
        value = text.encode("utf-8", "surrogatepass")

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)", (key, digest(key, value), value))

        self._file.use(write, None)

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        self._file.close()
