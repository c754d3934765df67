"""From the legs' lists to one ranking."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import inf
from typing import NamedTuple

from retrieverkit_core.found import Found, RawEvidence
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.result import RetrievalResult
from retrieverkit_fusion.methods import Method

Key = str | int
"""What a node is known by: its id, or its ordinal where all lists are of one corpus."""

Evidences = Sequence[RawEvidence] | None


class Ranking(NamedTuple):
    """One list and what it counts.

    Attributes:
        name: The leg's name.
        retriever: The name under which the leg's retriever gives evidence.
        keys: What was found, best first, each once.
        scores: The score of each.
        evidence: Who found each, or None where the leg alone did.
        share: The list's weight on the method's scale.
        higher_is_better: The order of the leg's scores.
    """

    name: str
    retriever: str
    keys: Sequence[Key]
    scores: Sequence[float | None]
    evidence: Sequence[RawEvidence] | None
    share: float
    higher_is_better: bool


class Fused(NamedTuple):
    """One node of the fused ranking.

    Attributes:
        key: What it is known by.
        score: Its fused score; None where no list scored it.
        evidence: Each leg that found it, with its rank and raw score there.
        row: Its place in the list that has it highest.
        ranking: Which list that is.
    """

    key: Key
    score: float | None
    evidence: RawEvidence
    row: int
    ranking: int


def lists_of(results: Sequence[RetrievalResult]) -> tuple[Found, ...] | None:
    """Return what the legs found by ordinals, if they all searched one state of one corpus; else None."""
    found = tuple(result.found for result in results)
    first = found[0] if found else None
    if first is None or any(
        each is None or each.corpus is not first.corpus or each.cursor != first.cursor for each in found
    ):
        return None
    return tuple(each for each in found if each is not None)


class Listing(NamedTuple):
    """How a leg's answer becomes a list.

    Attributes:
        name: The leg's name.
        share: The list's weight on the method's scale.
        higher_is_better: The order of the leg's scores.
        lowest: What scores below this is left out: it has nothing to do with the query.
    """

    name: str
    share: float
    higher_is_better: bool
    lowest: float | None = None

    def ranking(
        self, result: RetrievalResult, keys: list[Key], scores: list[float | None], evidence: Evidences
    ) -> Ranking:
        """Return the list of what scores high enough."""
        if self.lowest is not None and scores and (scores[-1] is None or scores[-1] < self.lowest):
            kept = sum(score is None or score >= self.lowest for score in scores)  # scores fall
            keys, scores = keys[:kept], scores[:kept]
        return Ranking(self.name, result.retriever, keys, scores, evidence, self.share, self.higher_is_better)


def by_ordinal(result: RetrievalResult, listing: Listing) -> Ranking:
    """Return a leg's answer as a list of ordinals; no node is read."""
    found = result.found
    assert found is not None
    ordinals: list[Key] = [ordinal for ordinal, _ in found.pairs]
    return listing.ranking(result, ordinals, [score for _, score in found.pairs], found.evidence)


def by_id(result: RetrievalResult, listing: Listing) -> Ranking:
    """Return a leg's answer as a list of node ids."""
    ids: list[Key] = [hit.node.id for hit in result]
    return listing.ranking(result, ids, [hit.score for hit in result], [hit._evidence for hit in result])


def combine(rankings: Sequence[Ranking], method: Method, top_k: int | None) -> list[Fused]:
    """Return the best nodes of all lists, best first.

    Equal scores are ordered by the node's best rank in any list, then by the first list that has it there. A node
    that no list scored has the score None and comes after all others.

    Args:
        rankings: The lists, in the order of the legs, all with keys of one kind.
        method: How to make one score of several.
        top_k: At most so many, or None for all.
    """
    lists = len(rankings)
    places: dict[Key, list[int]] = {}
    added: dict[Key, list[float]] = {}
    for at, ranking in enumerate(rankings):
        values = method.values(ranking.scores, ranking.higher_is_better, ranking.share)
        for place, key, value in zip(count(at, lists), ranking.keys, values, strict=False):
            if key in places:
                places[key].append(place)
                if value is not None:
                    added[key].append(value)
            else:
                places[key] = [place]
                added[key] = [] if value is None else [value]
    order = []
    for key, values in added.items():
        worth = -(values[0] if len(values) == 1 else method.join(values)) if values else inf
        at_best = places[key]
        order.append((worth, at_best[0] if len(at_best) == 1 else min(at_best), key))
    order.sort()
    return [
        _fused(key, places[key], None if worth == inf else method.shown(-worth), rankings)
        for worth, _, key in order[:top_k]
    ]


def hits_of(fused: Sequence[Fused], results: Sequence[RetrievalResult]) -> list[NodeWithScore]:
    """Return the fused ranking as hits on the nodes that the legs found."""
    return [results[one.ranking][one.row].with_score(one.score, one.evidence) for one in fused]


def _fused(key: Key, places: Sequence[int], score: float | None, rankings: Sequence[Ranking]) -> Fused:
    """Return the node that stands at these places; a place counts through the lists rank by rank."""
    evidence: list[tuple[str, int, float | None]] = []
    for place in places:
        row, at = divmod(place, len(rankings))
        ranking = rankings[at]
        own = (ranking.name, row + 1, ranking.scores[row])
        inner = [] if ranking.evidence is None else ranking.evidence[row]
        evidence.append(next((_moved(each, *own) for each in inner if each[0] == ranking.retriever), own))
        for each in inner:
            leg, rank, raw = each
            if leg != ranking.retriever:
                evidence.append(_moved(each, f"{ranking.name}/{leg}", rank, raw))
    row, at = divmod(min(places), len(rankings))
    return Fused(key, score, tuple(evidence), row, at)


def _moved(
    said: tuple[str, int, float | None], leg: str, rank: int, score: float | None
) -> tuple[str, int, float | None]:
    """Return evidence under another name and rank, with the details of what was said."""
    details = said.details if isinstance(said, Evidence) else None
    return Evidence(leg, rank, score, details) if details else (leg, rank, score)
