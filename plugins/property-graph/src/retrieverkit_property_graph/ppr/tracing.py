"""How the walk came to a passage: the relations that lead to it from where the walk started."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from retrieverkit_core.corpus import Corpus
from retrieverkit_property_graph.graph.arrays import GraphArrays
from retrieverkit_property_graph.graph.view import GraphView
from retrieverkit_property_graph.paths import as_json
from retrieverkit_property_graph.ppr.network import Floats, Integers, Network
from retrieverkit_property_graph.ppr.reset import Seeds

MOST_ENTITIES = 3
"""At most this many entities of a passage are told of."""

MOST_STEPS = 4
"""Paths that are longer are not told of."""

_DIGITS = 9


class Trace(NamedTuple):
    """What brought the walk to a passage.

    Attributes:
        entities: The places of the entities that it came from most, the first of them first.
        paths: The relations that lead from a start of the walk to each of them that such lead to, by their places.
    """

    entities: list[int]
    paths: list[tuple[int, ...]]


class Tracer:
    """Follows the walk back from passages.

    Args:
        arrays: The graph.
        network: Its network.
        shares: The share of its time that the walker spends at each node.
        seeds: The relations that it started at.
    """

    def __init__(self, arrays: GraphArrays, network: Network, shares: Floats, seeds: Seeds) -> None:
        self._arrays = arrays
        self._network = network
        self._given = np.round(shares * network.share, _DIGITS)  # along an edge of the weight 1
        self._lead: dict[int, tuple[int, ...] | None] = {}
        relations = arrays.relations
        for at in seeds.relations[::-1].tolist():
            self._lead[int(relations.subjects[at])] = self._lead[int(relations.objects[at])] = (at,)

    def of(self, passage: int) -> Trace:
        """Return what brought the walk to a passage, given by its place."""
        entities, _ = self._network.neighbours(self._network.entities + passage)
        first = np.lexsort((self._network.alphabetical[entities], -self._given[entities]))[:MOST_ENTITIES]
        found = [entity for entity in entities[first].tolist() if self._given[entity] > 0]
        paths = [path for entity in found if (path := self._path(entity)) is not None]
        return Trace(found, list(dict.fromkeys(paths)))

    def _path(self, entity: int) -> tuple[int, ...] | None:
        """Return the relations that lead to an entity, the way that most came; None where it came otherwise."""
        behind: list[tuple[int, int]] = []
        at, seen = entity, {entity}
        while at not in self._lead and len(behind) < MOST_STEPS - 1:
            step = self._step(at, seen)
            if step is None:
                break
            behind.append((at, step[0]))
            at = step[1]
            seen.add(at)
        lead = self._lead.get(at)
        for reached, relation in reversed(behind):
            lead = None if lead is None else (*lead, relation)
            self._lead.setdefault(reached, lead)
        return lead

    def _step(self, entity: int, seen: set[int]) -> tuple[int, int] | None:
        """Return the relation through which most came to an entity, and its other end."""
        arrays = self._arrays
        alone = np.array([entity])
        relations = np.concatenate([arrays.by_subject.of_owners(alone)[0], arrays.by_object.of_owners(alone)[0]])
        ends = arrays.relations.subjects[relations] + arrays.relations.objects[relations] - entity
        fresh = ~np.isin(ends, list(seen))
        relations, ends = relations[fresh], ends[fresh]
        if not len(relations):
            return None
        first = arrays.first_passages[relations]
        best = np.lexsort((first, self._network.alphabetical[ends], -self._given[ends]))[0]
        return (int(relations[best]), int(ends[best])) if self._given[ends[best]] > 0 else None


def traced(view: GraphView, corpus: Corpus, tracer: Tracer, passages: Integers) -> list[dict[str, Any]]:
    """Return what brought the walk to each of some passages, as inert JSON.

    Args:
        view: The graph.
        corpus: What the graph is derived from.
        tracer: Follows the walk back.
        passages: Their places.
    """
    arrays = view.arrays()
    traces = [tracer.of(passage) for passage in passages.tolist()]
    entities = list(dict.fromkeys(entity for trace in traces for entity in trace.entities))
    paths = list(dict.fromkeys(path for trace in traces for path in trace.paths))
    names = view.names(arrays.entities[entities].tolist())
    name_of = dict(zip(entities, names.values(), strict=True))
    steps = as_json(view, [tuple(arrays.relations.ids[list(path)].tolist()) for path in paths], corpus)
    steps_of = dict(zip(paths, steps, strict=True))
    return [
        {
            "paths": [steps_of[path] for path in trace.paths],
            "entities": [name_of[entity] for entity in trace.entities],
        }
        for trace in traces
    ]
