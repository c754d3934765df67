"""From the legs' lists to one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import inf
from typing import NamedTuple

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_fusion.methods import Method


class Ranking(NamedTuple):
    """One list of hits and what it counts.

    Attributes:
        name: The leg's name.
        retriever: The name under which the leg's retriever gives evidence.
        hits: The leg's hits, best first, each node once. They are never changed.
        share: The list's weight on the method's scale.
        higher_is_better: The order of the leg's scores.
    """

    name: str
    retriever: str
    hits: Sequence[NodeWithScore]
    share: float
    higher_is_better: bool


def combine(rankings: Sequence[Ranking], method: Method, top_k: int | None) -> list[NodeWithScore]:
    """Return the best nodes of all lists as new hits, best first.

    A node is its id. Equal scores are ordered by the node's best rank in any list, then by the first list that has it
    there. A node that no list scored has the score None and comes after all others.

    Args:
        rankings: The lists, in the order of the legs.
        method: How to make one score of several.
        top_k: At most so many hits, or None for all.
    """
    lists = len(rankings)
    places: dict[str, list[int]] = {}
    added: dict[str, list[float]] = {}
    for at, ranking in enumerate(rankings):
        values = method.values([hit.score for hit in ranking.hits], ranking.higher_is_better, ranking.share)
        for place, hit, value in zip(count(at, lists), ranking.hits, values, strict=False):
            node_id = hit.node.id
            if node_id in places:
                places[node_id].append(place)
                if value is not None:
                    added[node_id].append(value)
            else:
                places[node_id] = [place]
                added[node_id] = [] if value is None else [value]
    order = [
        (-method.join(values) if values else inf, min(places[node_id]), node_id) for node_id, values in added.items()
    ]
    order.sort()
    return [
        _fused(places[node_id], None if worth == inf else method.shown(-worth), rankings)
        for worth, _, node_id in order[:top_k]
    ]


def _fused(places: Sequence[int], score: float | None, rankings: Sequence[Ranking]) -> NodeWithScore:
    """Return the hit of a node that stands at these places; a place counts through the lists rank by rank."""
    best = inf
    evidence: list[tuple[str, int, float | None]] = []
    for place in places:
        row, at = divmod(place, len(rankings))
        ranking = rankings[at]
        hit = ranking.hits[row]
        if place < best:
            best, node = place, hit.node
        evidence.append((ranking.name, row + 1, hit.score))
        inner = [each for each in hit._evidence if each[0] != ranking.retriever]
        evidence += [(f"{ranking.name}/{leg}", rank, raw) for leg, rank, raw in inner]
    return NodeWithScore(node, score, tuple(evidence))
