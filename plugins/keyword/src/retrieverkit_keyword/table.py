"""The table of keywords: which nodes have which, in one SQLite file.

The ordinals of a keyword's nodes stand in rows of at most 4,096, ascending. New nodes have higher ordinals than all
others, so that they are put behind the last row.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.analysis import indexed_parts
from retrieverkit_indexing.derived import Database, DatabaseIndex
from retrieverkit_keyword.extraction import Extractor, Keyword

Ordinals = NDArray[np.int64]

ROW = 4096
"""The most ordinals in one row."""

_AT_ONCE = 512
"""How many nodes' keywords are taken at once."""
_HELD = 2_000_000
"""How many ordinals are collected in memory before they are written."""

_TABLES = (
    "CREATE TABLE keywords (id INTEGER PRIMARY KEY, keyword TEXT NOT NULL UNIQUE)",
    "CREATE TABLE postings (keyword INTEGER, first INTEGER, ordinals BLOB NOT NULL, PRIMARY KEY (keyword, first)) "
    "WITHOUT ROWID",
    "CREATE TABLE nodes (ordinal INTEGER PRIMARY KEY, keywords BLOB NOT NULL)",
    "CREATE TABLE total (nodes INTEGER NOT NULL)",
    "INSERT INTO total VALUES (0)",
)


class Posting(NamedTuple):
    """The nodes that have one keyword of a query.

    Attributes:
        keyword: The keyword.
        ordinals: Their ordinals, ascending.
    """

    keyword: Keyword
    ordinals: Ordinals

    def holds(self, ordinals: Ordinals) -> list[bool]:
        """Return of each of some ordinals whether its node has the keyword."""
        places = np.searchsorted(self.ordinals, ordinals).clip(max=len(self.ordinals) - 1)
        found: list[bool] = (self.ordinals[places] == ordinals).tolist()
        return found


class KeywordReader:
    """Looks keywords up. Safe to share between threads.

    Args:
        database: The table.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def look_up(self, keywords: Sequence[Keyword]) -> tuple[int, list[Posting]]:
        """Return how many nodes there are, and those that have each of ``keywords``; one that none has is left out."""
        with self._database.reading() as connection:
            (nodes,) = connection.execute("SELECT nodes FROM total").fetchone()
            found = [Posting(keyword, _nodes_with(connection, keyword)) for keyword in keywords]
        return nodes, [posting for posting in found if len(posting.ordinals)]


class KeywordTable(DatabaseIndex[KeywordReader]):
    """The keywords of every node in a corpus.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
        extractor: What takes keywords out of texts.
        max_keywords: At most this many keywords of a node.
        uses: What the extractor asks, such as a model.

    Attributes:
        extractor: What takes keywords out of texts.
        settings: The settings of the corpus that the table was made with.
    """

    name: ClassVar[str] = "keyword"
    format_version = 1

    def __init__(
        self,
        corpus: Corpus,
        storage: Path,
        extractor: Extractor,
        max_keywords: int = 20,
        *,
        uses: Sequence[object] = (),
    ) -> None:
        self.settings = corpus.settings
        self.extractor = extractor
        self._most = max_keywords
        config = {
            "extractor": extractor.fingerprint,
            "max_keywords": max_keywords,
            "searched": list(self.settings.searched),
        }
        super().__init__(corpus, storage, config, uses=uses)

    def build(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        """Take the keywords of every node."""
        for table in _TABLES:
            connection.execute(table)
        self._add(connection, nodes)

    def update(self, connection: sqlite3.Connection, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add nodes."""
        _remove(connection, removed)
        self._add(connection, added)

    def open(self, database: Database) -> KeywordReader:
        """Open the table."""
        return KeywordReader(database)

    def texts_of(self, node: Node) -> list[str]:
        """Return the texts that keywords are taken from."""
        return [text for _, text in indexed_parts(node, self.settings.searched)]

    def _add(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        pending, waiting = iter(nodes), _Waiting(connection)
        while some := list(islice(pending, _AT_ONCE)):
            texts = [self.texts_of(node) for _, node in some]
            for (ordinal, _), keywords in zip(some, self.extractor.of_nodes(texts, self._most), strict=True):
                waiting.add(ordinal, keywords)
        waiting.write()


class RakeTable(KeywordTable):
    """The phrases that RAKE takes of every node, and their words."""

    name: ClassVar[str] = "keyword_rake"


class LLMTable(KeywordTable):
    """The keywords that a language model names of every node, and their words."""

    name: ClassVar[str] = "keyword_llm"
    format_version = 2

    def texts_of(self, node: Node) -> list[str]:
        """Return the texts that the model may see: a field that the node excludes for models is not among them."""
        parts = indexed_parts(node, self.settings.searched)
        return [text for field, text in parts if field not in node.excluded_llm_metadata_keys]


class _Waiting:
    """Postings that are yet to be written, collected so that each row is written few times."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}
        self._postings: defaultdict[int, array[int]] = defaultdict(lambda: array("q"))
        self._nodes: list[tuple[int, bytes]] = []
        self._held = 0

    def add(self, ordinal: int, keywords: Iterable[str]) -> None:
        ids = array("q", sorted({self._id(keyword) for keyword in keywords}))
        for keyword in ids:
            self._postings[keyword].append(ordinal)
        self._nodes.append((ordinal, ids.tobytes()))
        self._held += len(ids) + 1
        if self._held >= _HELD:
            self.write()

    def write(self) -> None:
        connection = self._connection
        connection.executemany("INSERT INTO nodes VALUES (?, ?)", self._nodes)
        connection.execute("UPDATE total SET nodes = nodes + ?", (len(self._nodes),))
        for keyword in sorted(self._postings):
            _append(connection, keyword, np.array(self._postings[keyword], "<i8"))
        self._ids.clear()
        self._postings.clear()
        self._nodes.clear()
        self._held = 0

    def _id(self, keyword: str) -> int:
        known = self._ids.get(keyword)
        if known is None:
            known = _id_of(self._connection, keyword)
            if known is None:
                added = self._connection.execute("INSERT INTO keywords (keyword) VALUES (?)", (keyword,))
                known = int(added.lastrowid or 0)
            self._ids[keyword] = known
        return known


def _id_of(connection: sqlite3.Connection, keyword: str) -> int | None:
    row = connection.execute("SELECT id FROM keywords WHERE keyword = ?", (keyword,)).fetchone()
    return None if row is None else row[0]


def _append(connection: sqlite3.Connection, keyword: int, ordinals: Ordinals) -> None:
    """Put ordinals, all higher than those that are there, behind the others of a keyword."""
    last = connection.execute(
        "SELECT first, ordinals FROM postings WHERE keyword = ? ORDER BY first DESC LIMIT 1", (keyword,)
    ).fetchone()
    if last is not None and len(last[1]) < 8 * ROW:
        ordinals = np.concatenate([_read(last[1]), ordinals])
    rows = (ordinals[at : at + ROW] for at in range(0, len(ordinals), ROW))
    connection.executemany(
        "INSERT OR REPLACE INTO postings VALUES (?, ?, ?)", [(keyword, int(row[0]), row.tobytes()) for row in rows]
    )


def _remove(connection: sqlite3.Connection, removed: Sequence[int]) -> None:
    """Take nodes out, and keywords that no node has any more."""
    gone: defaultdict[int, list[int]] = defaultdict(list)
    known = 0
    for ordinal in removed:
        row = connection.execute("SELECT keywords FROM nodes WHERE ordinal = ?", (ordinal,)).fetchone()
        if row is not None:
            known += 1
            for keyword in array("q", row[0]):
                gone[keyword].append(ordinal)
    connection.executemany("DELETE FROM nodes WHERE ordinal = ?", [(ordinal,) for ordinal in removed])
    connection.execute("UPDATE total SET nodes = nodes - ?", (known,))
    for keyword in sorted(gone):
        _remove_from(connection, keyword, np.array(gone[keyword], np.int64))


def _remove_from(connection: sqlite3.Connection, keyword: int, gone: Ordinals) -> None:
    rows = connection.execute("SELECT first, ordinals FROM postings WHERE keyword = ?", (keyword,)).fetchall()
    left = 0
    for first, stored in rows:
        before = _read(stored)
        after = before[~np.isin(before, gone)]
        left += len(after)
        if len(after) == len(before):
            continue
        connection.execute("DELETE FROM postings WHERE keyword = ? AND first = ?", (keyword, first))
        if len(after):
            connection.execute("INSERT INTO postings VALUES (?, ?, ?)", (keyword, int(after[0]), after.tobytes()))
    if not left:
        connection.execute("DELETE FROM keywords WHERE id = ?", (keyword,))


def _nodes_with(connection: sqlite3.Connection, keyword: Keyword) -> Ordinals:
    known = list(_ids_for(connection, keyword))
    found = [
        _read(stored)
        for each in known
        for (stored,) in connection.execute("SELECT ordinals FROM postings WHERE keyword = ? ORDER BY first", (each,))
    ]
    ordinals = np.concatenate([np.empty(0, np.int64), *found])
    return ordinals if len(known) == 1 else np.unique(ordinals)


def _ids_for(connection: sqlite3.Connection, keyword: Keyword) -> Iterator[int]:
    if keyword.within:
        holding = connection.execute("SELECT id FROM keywords WHERE instr(keyword, ?)", (keyword.key,))
        yield from (row[0] for row in holding)
    elif (known := _id_of(connection, keyword.key)) is not None:
        yield known


def _read(stored: bytes) -> Ordinals:
    return np.frombuffer(stored, "<i8")
