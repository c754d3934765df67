"""`EmbeddingCache`: vectors that were paid for once, by model and text, in one SQLite file.

Each vector carries a digest, so that no damage goes unseen.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit_indexing.cache_file import CacheFile, digest, text_key
from retrieverkit_indexing.embeddings._probes import same_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE_NAME = "embeddings-1.sqlite3"
"""The number counts the changes to the tables below."""

_APPLICATION_ID = 0x524B4543  # "RKEC"
_TABLES = """
    CREATE TABLE IF NOT EXISTS models (
        id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, probe TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS vectors (
        model INTEGER NOT NULL, text BLOB NOT NULL, digest BLOB NOT NULL, vector BLOB NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS vectors_by_text ON vectors (model, text);
"""
_log = logging.getLogger("retrieverkit_indexing.embeddings")


class EmbeddingCache:
    """Vectors by model fingerprint and text. Safe to share between threads, processes and forks.

    Args:
        folder: Where the file is kept; made if it is not there. Where it cannot be written, nothing is remembered. None
            keeps all in memory.

    Attributes:
        path: The file, or None.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else Path(folder) / FILE_NAME
        self._file = CacheFile(self.path, _TABLES, _APPLICATION_ID, holds="embeddings", log=_log)

    def get(self, fingerprint: str, probe: str, texts: Sequence[str], dimension: int) -> dict[int, NDArray[np.float32]]:
        """Return the vectors that the model with ``probe`` gave before, by the position of their text in ``texts``."""
        import numpy as np

        keys = [text_key(text) for text in texts]

        def read(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            model = _find(connection, fingerprint, probe)
            found: dict[bytes, bytes] = {}
            for key in keys if model is not None else ():
                row = connection.execute(
                    "SELECT digest, vector FROM vectors WHERE model = ? AND text = ?", (model, key)
                ).fetchone()
                if row is not None and isinstance(row[1], bytes) and row[0] == digest(key, row[1]):
                    found[key] = row[1]
            return found

        nothing: dict[bytes, bytes] = {}
        found = self._file.use(read, nothing)
        return {
            at: np.frombuffer(found[key], "<f4").astype(np.float32)
            for at, key in enumerate(keys)
            if len(found.get(key, b"")) == 4 * dimension
        }

    def holds(self, fingerprint: str, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether a vector of a model with that fingerprint is kept. Nothing is written."""
        keys = [text_key(text) for text in texts]

        def look(connection: sqlite3.Connection) -> list[bool]:
            found = "SELECT 1 FROM vectors JOIN models ON model = id WHERE fingerprint = ? AND text = ?"
            return [connection.execute(found, (fingerprint, key)).fetchone() is not None for key in keys]

        return self._file.look(look, [False] * len(keys))

    def put(self, fingerprint: str, probe: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep checked vectors by their texts, and forget those of any other model with this fingerprint."""
        rows = []
        for text, vector in vectors.items():
            key, data = text_key(text), vector.astype("<f4").tobytes()
            rows.append((key, digest(key, data), data))

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                model = _find(connection, fingerprint, probe)
                if model is None:
                    model = _replace(connection, fingerprint, probe)
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors (model, text, digest, vector) VALUES (?, ?, ?, ?)",
                    [(model, *row) for row in rows],
                )

        self._file.use(write, None)

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        self._file.close()


def _find(connection: sqlite3.Connection, fingerprint: str, probe: str) -> int | None:
    """Return the id of the model with that fingerprint, if it is the one with that probe."""
    row = connection.execute("SELECT id, probe FROM models WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return int(row[0]) if row is not None and same_model(str(row[1]), probe) else None


def _replace(connection: sqlite3.Connection, fingerprint: str, probe: str) -> int:
    connection.execute(
        "DELETE FROM vectors WHERE model IN (SELECT id FROM models WHERE fingerprint = ?)", (fingerprint,)
    )
    connection.execute("DELETE FROM models WHERE fingerprint = ?", (fingerprint,))
    inserted = connection.execute("INSERT INTO models (fingerprint, probe) VALUES (?, ?)", (fingerprint, probe))
    assert inserted.lastrowid is not None
    return inserted.lastrowid
