"""What an explanation says of a fusion: its legs, what was left out, and what each fused score was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieverkit_core.explain import Code, Recording, Score, Status, Step
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.result import LegState, RetrievalResult
from retrieverkit_fusion.combining import Fused, Listing, Ranking, combine, hits_of

if TYPE_CHECKING:
    from retrieverkit_fusion.expansion import Expansion
    from retrieverkit_fusion.legs import Ask, Leg
    from retrieverkit_fusion.methods import Method

_STATUS = {LegState.OK: Status.APPLIED, LegState.EMPTY: Status.APPLIED, LegState.SKIPPED: Status.SKIPPED}


def tell_legs(told: Recording, asks: Sequence[Ask], skipped: Sequence[Leg], expansion: Expansion | None) -> None:
    """Record which legs the answer is made of."""
    told.legs_are((ask.name, ask.result, ask.error) for ask in asks)
    for leg in skipped:
        told.skipped(leg.name, "its weight is 0")
    if expansion is not None:
        step = told.step(expansion.status.name)
        step.says(_STATUS.get(expansion.status.state, Status.FAILED), expansion.status.note, expansion.status.error)
        step.milliseconds = expansion.status.milliseconds


def tell_fused(
    told: Recording,
    rankings: Sequence[Ranking],
    listings: Sequence[Listing],
    results: Sequence[RetrievalResult],
    method: Method,
    top_k: int | None,
    milliseconds: float,
) -> None:
    """Record what was left out, what was fused, and what came of it.

    Args:
        told: The recording.
        rankings: The lists.
        listings: How each counts.
        results: What each is of.
        method: How one score is made of several.
        top_k: How many are returned.
        milliseconds: How long the fusing took.
    """
    every = combine(rankings, method, None)
    kept = len(every) if top_k is None else top_k
    for ranking, listing, result in zip(rankings, listings, results, strict=True):
        _tell_floor(told, ranking, listing, result)
        _tell_min_score(told, ranking, listing, result)
    step = told.step("fuse", Code.FUSED_OUT, _seen(every, results))
    step.went(_seen(every[:kept], results), _seen(every[kept:], results))
    step.milliseconds = milliseconds
    for one in every[:kept]:
        step.scored(one.key, _score(one, rankings, listings, method))


def _tell_floor(told: Recording, ranking: Ranking, listing: Listing, result: RetrievalResult) -> None:
    if listing.lowest is None or len(ranking.keys) == len(result):
        return
    step: Step = told.step("floor", Code.BELOW_LEG_CUT, _whole(result))
    step.went(_whole(result, len(ranking.keys)))
    step.says(Status.APPLIED, f"{ranking.name} scores below {listing.lowest:g} have nothing to do with the query")


def _tell_min_score(told: Recording, ranking: Ranking, listing: Listing, result: RetrievalResult) -> None:
    low = set(listing.too_low(ranking.scores))
    if not low:
        return
    came = _whole(result, len(ranking.keys))
    step: Step = told.step("min_score", Code.BELOW_LEG_CUT, came)
    if isinstance(came, Found):
        step.went(came.with_pairs([pair for row, pair in enumerate(came.pairs) if row not in low]))
    else:
        step.went([hit for row, hit in enumerate(came) if row not in low])
    step.says(Status.APPLIED, f"{ranking.name}: {len(low)} normalised scores are below {listing.min_score:g}")


def _whole(result: RetrievalResult, count: int | None = None) -> Found | list[NodeWithScore]:
    return list(result)[:count] if result.found is None else result.found.with_pairs(result.found.pairs[:count])


def _seen(fused: Sequence[Fused], results: Sequence[RetrievalResult]) -> Found | list[NodeWithScore]:
    if fused and isinstance(fused[0].key, int):
        first = results[0].found
        assert first is not None
        pairs: list[Pair] = [(one.key, one.score) for one in fused if isinstance(one.key, int)]
        return Found(pairs, first.corpus, first.cursor)
    return hits_of(fused, results)


def _score(one: Fused, rankings: Sequence[Ranking], listings: Sequence[Listing], method: Method) -> Score:
    parts = []
    for ranking, listing in zip(rankings, listings, strict=True):
        row = ranking.rows.get(one.key)
        if row is not None and ranking.worths[one.key] is not None:
            parts.append(
                listing.method.part(ranking.name, ranking.scores, listing.higher_is_better, listing.share, row)
            )
    return method.joined("fused", one.score, parts)
