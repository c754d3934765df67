"""`GraphIndex`: the graph that the nodes of a corpus support, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from retrieverkit_core.corpus import Corpus, StoredNode
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.derived import Database, DatabaseIndex
from retrieverkit_property_graph.extraction import Extractor, document_of
from retrieverkit_property_graph.graph.reader import GraphReader
from retrieverkit_property_graph.graph.removing import remove
from retrieverkit_property_graph.graph.tables import INDEXES, TABLES
from retrieverkit_property_graph.graph.writing import Writer

_AT_ONCE = 512
"""How many nodes an extractor is given at once, at least; the last document of them is whole."""
_CACHE = "PRAGMA cache_size = -131072"
"""So many KiB of the tables are held while they are written."""


class GraphIndex(DatabaseIndex[GraphReader]):
    """Entities, relations, and the nodes that support them.

    An entity or a relation is there as long as a node supports it. What is seen of it is a function of the nodes that
    support it, so that the graph after any changes is the one that is built of what is left.

    Args:
        corpus: What to index.
        storage: The folder under which the corpus's indexes live.
        extractor: What says which entities and relations a node supports.

    Attributes:
        extractor: The same.
        settings: The settings of the corpus that the graph was made with.

    Raises:
        ConfigError: The language of the corpus is not supported.
    """

    name: ClassVar[str] = "property_graph"
    format_version = 2

    def __init__(self, corpus: Corpus, storage: Path | str, extractor: Extractor) -> None:
        self.settings = corpus.settings
        self.extractor = extractor
        self._analyzer = Analyzer(self.settings.language)
        config = {"extractor": extractor.fingerprint, "analyzer": self._analyzer.fingerprint}
        super().__init__(corpus, Path(storage), config, uses=extractor.uses)

    def build(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        """Take what every node supports."""
        for table in TABLES:
            connection.execute(table)
        self._add(connection, nodes)
        for index in INDEXES:
            connection.execute(index)

    def update(self, connection: sqlite3.Connection, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Delete and add nodes."""
        remove(connection, self._analyzer, removed)
        self._add(connection, added)

    def counts(self, connection: sqlite3.Connection) -> dict[str, int]:
        """Return how many entities and relations there are."""
        entities, relations = "SELECT count(*) FROM entities", "SELECT count(*) FROM relations"
        return {
            "entities": connection.execute(entities).fetchone()[0],
            "relations": connection.execute(relations).fetchone()[0],
        }

    def open(self, database: Database) -> GraphReader:
        """Open the graph."""
        return GraphReader(database, self._analyzer)

    def _add(self, connection: sqlite3.Connection, nodes: Iterable[StoredNode]) -> None:
        connection.execute(_CACHE)
        writer = Writer(connection, self._analyzer)
        for some in _whole_documents(nodes):
            for stored, extracted in zip(some, self.extractor.of_nodes(some), strict=True):
                writer.add(stored.ordinal, extracted)
        writer.write()
        connection.execute("UPDATE state SET changes = changes + 1")


def _whole_documents(nodes: Iterable[StoredNode]) -> Iterator[list[StoredNode]]:
    """Yield nodes, those of a document together, and of several documents at once."""
    some: list[StoredNode] = []
    for _, document in groupby(nodes, document_of):
        some += document
        if len(some) >= _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
