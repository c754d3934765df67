"""`CypherStore`: where a graph is put to be asked in Cypher, and `LadybugStore`, the one without a server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from weakref import WeakKeyDictionary

from retrieverkit_property_graph.cypher.allowing import Dialect
from retrieverkit_property_graph.cypher.contents import Contents
from retrieverkit_property_graph.cypher.sandbox.copying import Copy
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement, Rows

if TYPE_CHECKING:
    from retrieverkit_property_graph.graph.arrays import GraphArrays
    from retrieverkit_property_graph.graph.reader import GraphReader
    from retrieverkit_property_graph.graph.view import GraphView

_REMEMBERED = 4
"""For this many sets of allowed nodes, a graph is kept in a database."""


class CypherStore(Protocol):
    """Where a graph is put to be asked in Cypher.

    What it holds under a filter or a scope must come from the nodes that pass alone.
    """

    @property
    def dialect(self) -> Dialect:
        """Whose Cypher it runs."""
        ...

    def contents(self, reader: GraphReader, view: GraphView, *, everything: bool) -> Contents:
        """Return what a view shows.

        Args:
            reader: What opened the view.
            view: The graph as far as it may be seen.
            everything: Whether that is all of it.

        Raises:
            CypherError: The store cannot hold such a view.
        """
        ...

    def ask(
        self,
        reader: GraphReader,
        view: GraphView,
        query: str,
        parameters: Mapping[str, Any],
        *,
        everything: bool,
        rows: int,
        seconds: float,
    ) -> Rows:
        """Return what a query that is allowed returns of a view. Ids are numbers in its `contents`.

        Raises:
            CypherError: The query cannot be run, takes too long, or ends the process that runs it.
        """
        ...


@dataclass(slots=True)
class _Kept:
    """One state of the graph as some nodes show it."""

    arrays: GraphArrays
    contents: Contents
    copy: Copy | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)


class LadybugStore:
    """Puts what may be seen of a graph into a throw-away copy, and asks it in a process without rights.

    Args:
        confinement: What that process may take.
    """

    dialect: ClassVar[Dialect] = Dialect.LADYBUG

    def __init__(self, confinement: Confinement | None = None) -> None:
        self._confinement = confinement or Confinement()
        self._guard = threading.Lock()
        self._kept: WeakKeyDictionary[GraphReader, OrderedDict[bytes, _Kept]] = WeakKeyDictionary()

    def contents(self, reader: GraphReader, view: GraphView, *, everything: bool) -> Contents:
        """Return what a view shows."""
        return self._of(reader, view).contents

    def ask(
        self,
        reader: GraphReader,
        view: GraphView,
        query: str,
        parameters: Mapping[str, Any],
        *,
        everything: bool,
        rows: int,
        seconds: float,
    ) -> Rows:
        """Return what a query that is allowed returns of a view.

        Raises:
            CypherTimeoutError: It took longer.
            CypherQueryError: The database cannot run it.
            CypherWorkerError: The process ended, or the copy cannot be made.
            MissingServiceError: ladybug is not installed.
        """
        kept = self._of(reader, view)
        with kept.guard:  # who comes meanwhile waits for the copy and makes no second one
            if kept.copy is None or not kept.copy.whole:
                kept.copy = None
                contents = kept.contents if kept.contents.rows.nodes else Contents.of(view)
                kept.copy = Copy(contents.rows, self._confinement)
                kept.contents = contents.without_rows()
            copy = kept.copy
        return copy.workers.ask(query, parameters, rows=rows, seconds=seconds)

    def _of(self, reader: GraphReader, view: GraphView) -> _Kept:
        arrays = view.arrays()
        key = arrays.passages.tobytes()
        with self._guard:
            of_reader = self._kept.setdefault(reader, OrderedDict())
            known = of_reader.get(key)
            if known is not None and known.arrays is arrays:
                of_reader.move_to_end(key)
                return known
        kept = _Kept(arrays, Contents.of(view))
        with self._guard:
            known = of_reader.get(key)
            if known is not None and known.arrays is arrays:  # another thread was quicker
                return known
            of_reader[key] = kept
            of_reader.move_to_end(key)
            while len(of_reader) > _REMEMBERED:
                of_reader.popitem(last=False)
        return kept


LADYBUG = LadybugStore()
"""The store of all retrievers that are given none: retrievers over one graph share its copies."""
