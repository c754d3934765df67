"""What would have kept a node: other numbers of candidates and other weights, each tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from retrieverkit_core.explain import Change, Sought, least
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_fusion.legs import Ask, Leg

if TYPE_CHECKING:
    from retrieverkit_fusion.retriever import FusionRetriever

Remedy = tuple[Change, BaseRetriever]

_FACTORS = (1, 2, 4, 16)
"""Times its rank in a leg that many candidates of the leg are tried."""

_STEPS = 12
"""How many weights are tried between the present one and all the weight there is."""

_HALVINGS = 6
_MOST = 0.99


def remedies(fusion: FusionRetriever, sought: Sought) -> Iterator[Remedy]:
    """Yield changes to a fusion, and to what its legs are asked, with which a node is returned.

    Args:
        fusion: The fusion.
        sought: The node, with the query that the fusion is asked.
    """
    for at, leg in enumerate(fusion.legs):
        if leg.weight == 0:
            continue
        asked = Ask(leg, leg.name, sought.query, 1.0, None).bundle()
        rank = sought.rank(leg.retriever, asked)
        given = asked.top_k if asked.top_k is not None else leg.retriever.default_top_k
        if rank is not None and given is not None and rank > given:
            yield from _by_candidates(fusion, sought, at, rank)
        elif rank is not None:
            yield from _by_weight(fusion, sought, at)
        within = sought.within(_own(asked, leg), partial(fusion.with_leg, at))
        for change, inner in leg.retriever._remedies(within):
            yield change.below(leg.name), fusion.with_leg(at, inner)


def _own(asked: QueryBundle, leg: Leg) -> QueryBundle:
    if asked.top_k is not None or leg.retriever.default_top_k is None:
        return asked
    return asked.replace(top_k=leg.retriever.default_top_k)


def _by_candidates(fusion: FusionRetriever, sought: Sought, at: int, rank: int) -> Iterator[Remedy]:
    found = least([rank * by for by in _FACTORS], lambda count: sought.enters(fusion.with_candidates(at, count)))
    if found is None:
        return
    leg, (count, rest) = fusion.legs[at], found
    sign, changed = ">=" if rest else "=", fusion.with_candidates(at, count)
    if leg.candidates is None:
        yield Change({"top_k": count}, f"top_k {sign} {count} of {leg.name}", leg.name), changed
    else:
        wanted = [count if place == at else each.candidates for place, each in enumerate(fusion.legs)]
        yield Change({"candidates": wanted}, f"candidates {sign} {count} of {leg.name}"), changed


def _by_weight(fusion: FusionRetriever, sought: Sought, at: int) -> Iterator[Remedy]:
    """Yield the least weight of one leg, the others' staying as they are, with which the node is returned."""
    legs = fusion.legs
    others = sum(leg.weight for place, leg in enumerate(legs) if place != at)
    if not others:
        return
    present = legs[at].weight / (legs[at].weight + others)

    def enters(share: float) -> bool:
        return sought.enters(fusion.with_share(at, share))

    shares = [round(present + (_MOST - present) * step / _STEPS, 3) for step in range(1, _STEPS + 1)]
    found = least([share for share in shares if share > present], enters)
    if found is None:
        return
    share = _refined(max([present, *(each for each in shares if each < found[0])]), found[0], enters)
    options, text = fusion.share_told(at, share)
    yield Change(options, text.format(">=" if found[1] else "=")), fusion.with_share(at, share)


def _refined(fails: float, works: float, enters: Callable[[float], bool]) -> float:
    """Return a share near the least that works, between one that does not and one that does."""
    for _ in range(_HALVINGS):
        middle = round((fails + works) / 2, 3)
        if not fails < middle < works:
            break
        fails, works = (fails, middle) if enters(middle) else (middle, works)
    return works
