"""Walking the graph: the relations around some entities, each with the path that leads to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from retrieverkit_property_graph.names import key_of

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_property_graph.graph.view import GraphView

Path = tuple[int, ...]
"""The ids of relations in a view; each has an end in common with the one before."""

Step = dict[str, Any]
"""A relation as JSON: ``subject``, ``relation``, ``object``, and ``nodes``, the ids of nodes that support it."""

SHOWN_NODES = 3
"""At most this many supporting nodes are named in a step."""


def walk(view: GraphView, starts: Iterable[int], *, depth: int = 1, limit: int = 30) -> list[Path]:
    """Return the relations around some entities, breadth first, each with the shortest path that leads to it.

    A relation is the last step of one path alone. At each depth the entities take turns, so that one with very many
    relations leaves room for the others; those of an entity come in the order of the corpus. What is returned depends
    on what the view shows and on nothing else.

    Args:
        view: The graph.
        starts: The entities to start from, the most important first.
        depth: At most this many relations are in a path.
        limit: At most this many paths.
    """
    lead: dict[int, Path] = dict.fromkeys(starts, ())
    frontier = list(lead)
    paths: dict[int, Path] = {}
    for _ in range(depth):
        room = limit - len(paths)
        if not frontier or room <= 0:
            break
        taken = _in_turns(view, frontier, paths, room)
        ends = {fact.id: (fact.subject, fact.object) for fact in view.relations(list(taken))}
        frontier = []
        for relation, entity in taken.items():
            paths[relation] = path = (*lead[entity], relation)
            for end in ends[relation]:
                if end not in lead:
                    lead[end] = path
                    frontier.append(end)
    return list(paths.values())


def as_json(view: GraphView, paths: Sequence[Path], corpus: Corpus) -> list[list[Step]]:
    """Return paths as inert JSON, for evidence.

    Args:
        view: The graph.
        paths: Paths of it.
        corpus: What the graph is derived from; it knows the ids of nodes.
    """
    facts = {fact.id: fact for fact in view.relations(sorted({relation for path in paths for relation in path}))}
    names = view.names(sorted({end for fact in facts.values() for end in (fact.subject, fact.object)}))
    shown = {fact.id: [int(ordinal) for ordinal in fact.supports[:SHOWN_NODES]] for fact in facts.values()}
    ids = _node_ids(corpus, sorted({ordinal for ordinals in shown.values() for ordinal in ordinals}))
    steps = {
        fact.id: {
            "subject": names[fact.subject],
            "relation": fact.label,
            "object": names[fact.object],
            "nodes": [ids[ordinal] for ordinal in shown[fact.id] if ordinal in ids],
        }
        for fact in facts.values()
    }
    return [[dict(steps[relation]) for relation in path] for path in paths]


def _in_turns(view: GraphView, entities: Sequence[int], known: Collection[int], room: int) -> dict[int, int]:
    """Return relations that are not known yet, each with the entity that it was reached from.

    The first one of each entity, then the second one of each, and so on.
    """
    enough = room + len(known)
    rows = zip_longest(*(view.relations_of([entity], limit=enough) for entity in entities))
    taken: dict[int, int] = {}
    for row in rows:
        for relation, entity in zip(row, entities, strict=True):
            if relation is None or relation in known or relation in taken:
                continue
            if len(taken) == room:
                return taken
            taken[relation] = entity
    return taken


def _node_ids(corpus: Corpus, ordinals: Sequence[int]) -> dict[int, str]:
    """Return the ids of nodes; one that is gone by now has none."""
    nodes = zip(ordinals, corpus.fetch(ordinals), strict=True)
    return {ordinal: node.id for ordinal, node in nodes if node is not None}


def triples_of(hits: Iterable[NodeWithScore]) -> list[Step]:
    """Return the relations behind hits, best first and each once: the triples alone, without the text of nodes.

    Args:
        hits: A result of a graph mode, or of a composite that has one; what has no paths as evidence adds nothing.
    """
    steps: dict[tuple[str, ...], Step] = {}
    for hit in hits:
        for evidence in hit.evidence:
            for path in evidence.details.get("paths", ()):
                for step in path:
                    steps.setdefault(tuple(map(key_of, (step["subject"], step["relation"], step["object"]))), step)
    return list(steps.values())
