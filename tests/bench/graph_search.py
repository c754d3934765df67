"""What the rows about graphs share: everything within one or two relations of a name."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import relations
from contest import Contender


def graph_of(index):
    """Return the graph of the triples that an index's documents have."""
    from retrieverkit_property_graph.extraction.given import GivenTriples
    from retrieverkit_property_graph.graph.index import GraphIndex

    return GraphIndex(index.corpus, index.storage, GivenTriples())


class Hops(Contender):
    """Every relation within `depth` relations of a name, as text."""

    depth = 1

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = relations.asked(folder)

    def call(self, turn: int) -> list[str]:
        return self.around(self.asked[turn % len(self.asked)])

    def around(self, name: str) -> list[str]:
        raise NotImplementedError


def walked(view: Callable[[], AbstractContextManager], name: str, depth: int) -> list[str]:
    """Return the relations around a name, through a view of RetrieverKit's graph."""
    with view() as graph:
        reached = set(graph.find([name]).values())
        for _ in range(depth):
            found = graph.relations(graph.relations_of(reached))
            reached |= {end for relation in found for end in (relation.subject, relation.object)}
        names = graph.names(reached)
        return [f"{names[each.subject]} {each.label} {names[each.object]}" for each in found]
