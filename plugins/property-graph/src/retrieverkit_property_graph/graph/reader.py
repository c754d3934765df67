"""`GraphReader`: opens views of the graph."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.derived import Database
from retrieverkit_property_graph.graph.arrays import GraphArrays, load
from retrieverkit_property_graph.graph.tables import Integers
from retrieverkit_property_graph.graph.view import GraphView

_REMEMBERED = 4
"""For this many sets of allowed nodes, the arrays are kept."""


class GraphReader:
    """Opens views of the graph. Safe to share between threads.

    Args:
        database: The graph.
        analyzer: What made terms of keys.
    """

    def __init__(self, database: Database, analyzer: Analyzer) -> None:
        self._database = database
        self._analyzer = analyzer
        self._guard = threading.Lock()
        self._state = -1
        self._arrays: OrderedDict[bytes, GraphArrays] = OrderedDict()

    @contextmanager
    def view(self, allowed: Integers | None) -> Iterator[GraphView]:
        """Yield one state of the graph, seen through some nodes alone. It is for one thread, and ends with the block.

        Args:
            allowed: The ordinals of the nodes that may be seen; None for all.
        """
        if allowed is not None:
            allowed = np.unique(np.asarray(allowed, np.int64))
        with self._database.reading() as connection:
            yield GraphView(connection, self._analyzer, allowed, lambda: self._arrays_of(connection, allowed))

    def _arrays_of(self, connection: sqlite3.Connection, allowed: Integers | None) -> GraphArrays:
        """Return the arrays of the state that a connection sees; those of the newest state are kept."""
        state = connection.execute("SELECT changes FROM state").fetchone()[0]
        key = b"" if allowed is None else hashlib.blake2b(allowed.tobytes(), digest_size=16).digest()
        with self._guard:
            if state > self._state:
                self._arrays.clear()
                self._state = state
            known = self._arrays.get(key) if state == self._state else None
            if known is not None:
                self._arrays.move_to_end(key)
                return known
        arrays = load(connection) if allowed is None else self._arrays_of(connection, None).restricted(allowed)
        with self._guard:
            if state == self._state:
                self._arrays[key] = arrays
                while len(self._arrays) > _REMEMBERED:
                    self._arrays.pop(next(other for other in self._arrays if other))
        return arrays
