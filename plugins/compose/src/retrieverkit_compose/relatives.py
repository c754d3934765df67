"""The related nodes of hits: read from the corpus, and seen only where the filters let them pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.query import QueryBundle


class Relatives:
    """Nodes of one corpus by their ids. Each is read once; one that does not pass is as if it were not there.

    Args:
        corpus: The corpus.
        query: The query that the nodes are for, with its filters and scope.
    """

    def __init__(self, corpus: Corpus, query: QueryBundle) -> None:
        self._corpus = corpus
        self._wanted = MetadataFilters.and_(query.filters, query.scope)
        self._known: dict[str, Node | None] = {}
        self.missing: set[str] = set()

    def owns(self, hit: NodeWithScore) -> bool:
        """Return whether a hit may be of this corpus: nodes of two corpora may have one id."""
        return hit._origin is None or hit._origin[0] is self._corpus

    def know(self, nodes: Iterable[Node]) -> None:
        """Take nodes that were read already, and pass."""
        for node in nodes:
            self._known.setdefault(node.id, node)

    def read(self, ids: Iterable[str]) -> None:
        """Read the nodes of these ids at once."""
        wanted = [node_id for node_id in dict.fromkeys(ids) if node_id not in self._known]
        if not wanted:
            return
        for node_id, node in zip(wanted, self._corpus.get(wanted), strict=True):
            if node is None:
                self.missing.add(node_id)
            passes = node is not None and (self._wanted is None or self._wanted.admits(node))
            self._known[node_id] = node if passes else None

    def hides(self, node_id: str | None) -> bool:
        """Return whether a node was read that does not pass."""
        return node_id in self._known and self._known[node_id or ""] is None and node_id not in self.missing

    def get(self, node_id: str | None) -> Node | None:
        """Return a node that was read and passes; None for every other."""
        return None if node_id is None else self._known.get(node_id)


def parents_of(nodes: Iterable[Node]) -> Sequence[str]:
    """Return the ids of the parents of some nodes, each once."""
    return list(dict.fromkeys(node.parent_node for node in nodes if node.parent_node is not None))
