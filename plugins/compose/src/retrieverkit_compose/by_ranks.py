"""Several lists made into one by the ranks in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

from retrieverkit_compose.around import evidence_of
from retrieverkit_core import explain
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.scores import ScoreKind, ScoreSpec

K = 60
"""How little first ranks stand out."""

SCORES = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0)


def by_ranks(lists: Iterable[tuple[str, str, Sequence[NodeWithScore]]], top_k: int | None) -> list[NodeWithScore]:
    """Return the hits of all lists, by the sum of ``1 / (60 + rank)`` over the lists that have them, best first.

    That is reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009). Equal hits come in the order of the
    lists.

    Args:
        lists: The name of each list, the name under which its retriever gives evidence, and its hits.
        top_k: At most this many; None for all.
    """
    ranks: dict[str, list[tuple[str, int]]] = {}
    first: dict[str, NodeWithScore] = {}
    evidence: dict[str, tuple[Evidence, ...]] = {}
    for name, known_as, hits in lists:
        for rank, hit in enumerate(hits, 1):
            node_id = hit.node.id
            first.setdefault(node_id, hit)
            ranks.setdefault(node_id, []).append((name, rank))
            evidence[node_id] = evidence.get(node_id, ()) + evidence_of(hit, name, rank, known_as)
    scores = {node_id: fsum(1 / (K + rank) for _, rank in places) for node_id, places in ranks.items()}

    def scored(node_id: str) -> NodeWithScore:
        return first[node_id].with_score(scores[node_id], evidence[node_id])

    order = sorted(scores, key=lambda node_id: -scores[node_id])
    with explain.stage("ranks", came=order, code=explain.Code.FUSED_OUT) as stage:
        kept = [scored(node_id) for node_id in order[:top_k]]
        if stage:
            stage.went(kept, below=[scored(node_id) for node_id in order[len(kept) :]])
            for hit in kept:
                stage.scored(hit.node.id, _explained(scores[hit.node.id], ranks[hit.node.id]))
    return kept


def _explained(score: float, places: Sequence[tuple[str, int]]) -> explain.Score:
    """Return what a score was made from: what each list adds by its rank."""
    parts = [
        explain.Score(f"{name} adds 1 / ({K} + rank)", 1 / (K + rank), parts=(explain.Score("rank", float(rank)),))
        for name, rank in places
    ]
    return explain.Score("ranks", score, explain.How.SUM, tuple(parts))
