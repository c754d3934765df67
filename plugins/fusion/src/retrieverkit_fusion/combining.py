"""From the legs' lists to one ranking."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import count
from math import inf
from operator import itemgetter
from typing import NamedTuple

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_fusion.methods import Method

_Found = tuple[int, int, NodeWithScore]


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
    best: dict[str, int] = {}
    added: dict[str, list[float]] = {}
    for at, ranking in enumerate(rankings):
        values = method.values([hit.score for hit in ranking.hits], ranking.higher_is_better, ranking.share)
        for place, hit, value in zip(count(at, lists), ranking.hits, values, strict=False):
            node_id = hit.node.id
            known = best.get(node_id)
            if known is None:
                best[node_id] = place
                added[node_id] = [] if value is None else [value]
                continue
            if place < known:
                best[node_id] = place
            if value is not None:
                added[node_id].append(value)
    join = method.join
    order = [(-join(values) if (values := added[node_id]) else inf, place, node_id) for node_id, place in best.items()]
    order.sort()
    found = _found_by(rankings, {node_id for _, _, node_id in order[:top_k]})
    return [
        _fused(found[node_id], None if worth == inf else method.shown(-worth), rankings)
        for worth, _, node_id in order[:top_k]
    ]


def _found_by(rankings: Sequence[Ranking], node_ids: Set[str]) -> dict[str, list[_Found]]:
    """Return where each of the nodes stands in the lists that have it."""
    found: dict[str, list[_Found]] = {node_id: [] for node_id in node_ids}
    for at, ranking in enumerate(rankings):
        for rank, hit in enumerate(ranking.hits, 1):
            if hit.node.id in node_ids:
                found[hit.node.id].append((rank, at, hit))
    return found


def _fused(found: list[_Found], score: float | None, rankings: Sequence[Ranking]) -> NodeWithScore:
    _, _, best = min(found, key=itemgetter(0, 1))
    evidence: list[tuple[str, int, float | None]] = []
    for rank, at, hit in found:
        ranking = rankings[at]
        evidence.append((ranking.name, rank, hit.score))
        inner = [each for each in hit.evidence if each.leg != ranking.retriever]
        evidence += [(f"{ranking.name}/{each.leg}", each.rank, each.score) for each in inner]
    return NodeWithScore(best.node, score, tuple(evidence))
