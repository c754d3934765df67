"""From the legs' lists to one ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from math import inf
from typing import Any, NamedTuple

from retrieverkit_core.found import Found, RawEvidence
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.result import RetrievalResult
from retrieverkit_fusion.methods import Method, RelativeScore

Key = str | int
"""What a node is known by: its id, or its ordinal where all lists are of one corpus."""

Evidences = Sequence[RawEvidence] | None

_UNSCORED = -inf


class Ranking(NamedTuple):
    """One list and what it counts.

    Attributes:
        name: The leg's name.
        retriever: The name under which the leg's retriever gives evidence.
        keys: What was found, best first, each once.
        scores: The score of each.
        evidence: Who found each, or None where the leg alone did.
        worths: What each key adds to its node, None where it adds nothing.
        rows: Where each key stands in the list.
    """

    name: str
    retriever: str
    keys: Sequence[Key]
    scores: Sequence[float | None]
    evidence: Evidences
    worths: Mapping[Key, float | None]
    rows: Mapping[Key, int]


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
        method: The fusion method.
        share: The list's weight on the method's scale.
        higher_is_better: The order of the leg's scores.
        lowest: What scores below this is left out: it has nothing to do with the query.
        min_score: What is below this once it is normalised is left out too; its place stays empty.
    """

    name: str
    method: Method
    share: float
    higher_is_better: bool
    lowest: float | None = None
    min_score: float | None = None

    def ranking(
        self, result: RetrievalResult, keys: Sequence[Key], scores: Sequence[float | None], evidence: Evidences
    ) -> Ranking:
        """Return the list of what scores high enough."""
        if self.lowest is not None and scores and (scores[-1] is None or scores[-1] < self.lowest):
            kept = sum(score is None or score >= self.lowest for score in scores)  # scores fall
            keys, scores = keys[:kept], scores[:kept]
        worths = dict(zip(keys, self.method.values(scores, self.higher_is_better, self.share), strict=True))
        rows = dict(zip(keys, count(), strict=False))
        for row in self.too_low(scores):
            del worths[keys[row]], rows[keys[row]]
        return Ranking(self.name, result.retriever, keys, scores, evidence, worths, rows)

    def too_low(self, scores: Sequence[float | None]) -> list[int]:
        """Return the places of scores that, once they are normalised, are less than ``min_score``."""
        if self.min_score is None or not isinstance(self.method, RelativeScore):
            return []
        normal = self.method.normalised(scores, self.higher_is_better)
        return [row for row, score in enumerate(normal) if score is not None and score < self.min_score]


def by_ordinal(result: RetrievalResult, listing: Listing) -> Ranking:
    """Return a leg's answer as a list of ordinals; no node is read."""
    found = result.found
    assert found is not None
    ordinals, scores = zip(*found.pairs, strict=True) if found.pairs else ((), ())
    return listing.ranking(result, ordinals, scores, found.evidence)


def by_id(result: RetrievalResult, listing: Listing) -> Ranking:
    """Return a leg's answer as a list of node ids."""
    ids: list[Key] = [hit.node.id for hit in result]
    return listing.ranking(result, ids, [hit.score for hit in result], [hit._evidence for hit in result])


class Best(NamedTuple):
    """A node of the fused ranking, in an order in which less is better.

    Attributes:
        loss: What it is worth, below 0 where that is something; infinite where no list scored it.
        row: Its best place in any list.
        ranking: The first list that has it there.
        key: What it is known by.
    """

    loss: float
    row: int
    ranking: int
    key: Key


def best_of(rankings: Sequence[Ranking], method: Method, top_k: int | None) -> list[Best]:
    """Return the best nodes of all lists, best first.

    Equal ones are ordered by the node's best rank in any list, then by the first list that has it there.

    Args:
        rankings: The lists, in the order of the legs, all with keys of one kind.
        method: How to make one worth of several.
        top_k: At most this many, or None for all.
    """
    worths = _worths(rankings, method)
    wanted = len(worths) if top_k is None else min(top_k, len(worths))
    if not wanted:
        return []
    least = sorted(worths.values(), reverse=True)[wanted - 1]  # so that few are ordered by more than a number
    best = [Best(-worth, *_best_place(key, rankings), key) for key, worth in worths.items() if worth >= least]
    return sorted(best)[:wanted]


def _worths(rankings: Sequence[Ranking], method: Method) -> dict[Key, float]:
    """Return the worth of every node."""
    worths: dict[Key, Any] = {}
    in_several: set[Key] = set()
    for ranking in rankings:
        in_several |= worths.keys() & ranking.worths.keys()
        worths.update(ranking.worths)
    lists = [ranking.worths for ranking in rankings]
    for key in in_several:
        known = [worth for each in lists if (worth := each.get(key)) is not None]
        worths[key] = method.join(known) if len(known) > 1 else known[0] if known else None
    if None in worths.values():
        return {key: _UNSCORED if worth is None else worth for key, worth in worths.items()}
    return worths


def _best_place(key: Key, rankings: Sequence[Ranking]) -> tuple[int, int]:
    """Return the best row of a node in any list, and the first list that has it there."""
    return min([(row, at) for at, ranking in enumerate(rankings) if (row := ranking.rows.get(key)) is not None])


def combine(rankings: Sequence[Ranking], method: Method, top_k: int | None) -> list[Fused]:
    """Return the best nodes of all lists, best first, in the order of `best_of`.

    A node that no list scored has the score None and comes after all others.

    Args:
        rankings: The lists, in the order of the legs, all with keys of one kind.
        method: How to make one score of several.
        top_k: At most this many, or None for all.
    """
    return [
        Fused(best.key, _score(best, method), _evidence(best.key, rankings), best.row, best.ranking)
        for best in best_of(rankings, method, top_k)
    ]


def hits_of(fused: Sequence[Fused], results: Sequence[RetrievalResult]) -> list[NodeWithScore]:
    """Return the fused ranking as hits on the nodes that the legs found."""
    return [results[one.ranking][one.row].with_score(one.score, one.evidence) for one in fused]


def _score(best: Best, method: Method) -> float | None:
    return None if best.loss == -_UNSCORED else method.shown(-best.loss)


def _evidence(key: Key, rankings: Sequence[Ranking]) -> RawEvidence:
    """Return each leg that found a node, with its rank and raw score there, and who found it for that leg."""
    evidence: list[tuple[str, int, float | None]] = []
    for ranking in rankings:
        row = ranking.rows.get(key)
        if row is None:
            continue
        own = (ranking.name, row + 1, ranking.scores[row])
        if ranking.evidence is None:
            evidence.append(own)
            continue
        inner = ranking.evidence[row]
        evidence.append(next((_moved(each, *own) for each in inner if each[0] == ranking.retriever), own))
        for each in inner:
            leg, rank, raw = each
            if leg != ranking.retriever:
                evidence.append(_moved(each, f"{ranking.name}/{leg}", rank, raw))
    return tuple(evidence)


def _moved(
    said: tuple[str, int, float | None], leg: str, rank: int, score: float | None
) -> tuple[str, int, float | None]:
    """Return evidence under another name and rank, with the details of what was said."""
    details = said.details if isinstance(said, Evidence) else None
    return Evidence(leg, rank, score, details) if details else (leg, rank, score)
