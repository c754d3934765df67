"""The networks of the states of a graph that are asked about."""

from __future__ import annotations

import threading
import weakref

import numpy as np

from retrieverkit_property_graph.graph.arrays import GraphArrays
from retrieverkit_property_graph.graph.view import GraphView
from retrieverkit_property_graph.ppr.likeness import like_names
from retrieverkit_property_graph.ppr.network import Network


class Networks:
    """Makes the network of what a view shows, and keeps it as long as the graph keeps the view's arrays.

    Args:
        synonyms: Whether entities with like names are joined.
    """

    def __init__(self, synonyms: bool) -> None:
        self._synonyms = synonyms
        self._known: dict[int, tuple[weakref.ref[GraphArrays], Network]] = {}
        self._guard = threading.Lock()

    def of(self, view: GraphView) -> Network:
        """Return the network of what ``view`` shows."""
        arrays = view.arrays()
        with self._guard:
            known = self._known.get(id(arrays))
        if known is not None and known[0]() is arrays:
            return known[1]
        network = self._made(view, arrays)
        with self._guard:
            self._known = {at: kept for at, kept in self._known.items() if kept[0]() is not None}
            self._known[id(arrays)] = weakref.ref(arrays), network
        return network

    def _made(self, view: GraphView, arrays: GraphArrays) -> Network:
        keys = view.keys()
        pairs, likeness = like_names(keys) if self._synonyms else (np.empty((0, 2), np.int64), np.empty(0))
        return Network(arrays, keys, pairs, likeness)
