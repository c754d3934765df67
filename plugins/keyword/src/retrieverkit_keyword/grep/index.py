"""The texts of all nodes with their trigrams, in one SQLite file."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_indexing.derived import Database, DatabaseIndex
from retrieverkit_keyword.grep import trigrams
from retrieverkit_keyword.grep.folding import for_trigrams

Text = tuple[int, str]
"""The ordinal of a node and its text."""


class Texts:
    """The texts at one state of the index.

    Args:
        connection: What they are read from.
        has_trigrams: Whether there is a table of trigrams.
    """

    def __init__(self, connection: sqlite3.Connection, has_trigrams: bool) -> None:
        self._connection = connection
        self._has_trigrams = has_trigrams

    def count(self) -> int:
        """Return how many there are."""
        return int(self._connection.execute("SELECT count(*) FROM texts").fetchone()[0])

    def holding(self, wanted: str, admits: Callable[[int], bool] | None) -> Iterator[Text]:
        """Yield the texts that may match, by ascending ordinal.

        Args:
            wanted: The query of the trigrams that must be there; where it is empty, all texts are.
            admits: Whether the node at an ordinal is looked for; None for all.
        """
        if wanted and self._has_trigrams:
            found = [ordinal for (ordinal,) in self._connection.execute(trigrams.FIND, (wanted,))]
            yield from self.at(found if admits is None else filter(admits, found))
            return
        if admits is None:
            for ordinal, text in self._connection.execute("SELECT ordinal, text FROM texts ORDER BY ordinal"):
                yield ordinal, _read(text)
            return
        every = [ordinal for (ordinal,) in self._connection.execute("SELECT ordinal FROM texts ORDER BY ordinal")]
        yield from self.at(filter(admits, every))

    def at(self, ordinals: Iterable[int]) -> Iterator[Text]:
        """Yield the texts at some ordinals."""
        for ordinal in ordinals:
            row = self._connection.execute("SELECT text FROM texts WHERE ordinal = ?", (ordinal,)).fetchone()
            if row is not None:
                yield ordinal, _read(row[0])


class GrepReader:
    """Gives the texts. Safe to share between threads.

    Args:
        database: The index.
        has_trigrams: Whether it has a table of trigrams.
    """

    def __init__(self, database: Database, has_trigrams: bool) -> None:
        self._database = database
        self._has_trigrams = has_trigrams

    @contextmanager
    def reading(self) -> Iterator[Texts]:
        """Yield the texts at one state of the index."""
        with self._database.reading() as connection:
            yield Texts(connection, self._has_trigrams)


class GrepIndex(DatabaseIndex[GrepReader]):
    """The texts of every node in a corpus.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
        with_trigrams: Whether to keep trigrams; None for whether SQLite can.
    """

    name = "grep"
    format_version = 1

    def __init__(self, corpus: Corpus, storage: Path, with_trigrams: bool | None = None) -> None:
        self._has_trigrams = trigrams.available() if with_trigrams is None else with_trigrams
        super().__init__(corpus, storage, {"trigrams": unicodedata.unidata_version if self._has_trigrams else ""})

    def build(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        """Keep every text."""
        connection.execute("CREATE TABLE texts (ordinal INTEGER PRIMARY KEY, text BLOB NOT NULL)")
        if self._has_trigrams:
            connection.execute(trigrams.TABLE)
        self._add(connection, nodes)

    def update(self, connection: sqlite3.Connection, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add texts."""
        for ordinal, text in Texts(connection, self._has_trigrams).at(removed):
            if self._has_trigrams:
                connection.execute(trigrams.REMOVE, (ordinal, for_trigrams(text)))
            connection.execute("DELETE FROM texts WHERE ordinal = ?", (ordinal,))
        self._add(connection, added)

    def open(self, database: Database) -> GrepReader:
        """Open the index."""
        return GrepReader(database, self._has_trigrams)

    def _add(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        for ordinal, node in nodes:
            text = node.text
            connection.execute("INSERT INTO texts VALUES (?, ?)", (ordinal, text.encode("utf-8", "surrogatepass")))
            if self._has_trigrams:
                connection.execute(trigrams.ADD, (ordinal, for_trigrams(text)))


def _read(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")
