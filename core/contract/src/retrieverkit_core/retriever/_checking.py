"""Checking what a retriever's own code returned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from numbers import Real
from typing import TYPE_CHECKING

from retrieverkit_core.errors import PluginContractError, shorten
from retrieverkit_core.found import Found, OneEvidence, Pair, RawEvidence
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever
    from retrieverkit_core.scores import ScoreSpec


def checked(returned: object, retriever: BaseRetriever) -> list[NodeWithScore]:
    """Return fresh hits, without duplicates, each with its evidence.

    The author's objects are not kept: another retriever, or a cache of the author's, may hold them too.

    Raises:
        PluginContractError: ``returned`` is not a sequence of NodeWithScore with finite scores in the declared order,
            each on a node whose id is a non-empty string.
    """
    if not isinstance(returned, Sequence) or isinstance(returned, (str, bytes)):
        raise _broken(retriever, f"returned {type(returned).__name__} instead of a sequence of NodeWithScore")
    spec = retriever.score_spec
    ordered, falling = spec.ordered, spec.higher_is_better
    leg = retriever.name
    hits: list[NodeWithScore] = []
    place: dict[str, int] = {}
    again: dict[int, list[OneEvidence]] = {}
    previous = inf if falling else -inf
    for rank, hit in enumerate(returned, 1):
        if type(hit) is not NodeWithScore and not isinstance(hit, NodeWithScore):
            raise _broken(retriever, f"returned {shorten(repr(hit))} where a NodeWithScore must stand")
        node, score = hit.node, hit.score
        node_id = getattr(node, "id", None)
        if type(node_id) is not str or not node_id:
            raise _broken(retriever, _bad_node(node))
        if score is not None:
            if type(score) is not float:
                score = _as_float(score, retriever)
            if not -inf < score < inf:
                raise _broken(retriever, f"gave node {shorten(node_id)!r} the score {score}")
            if ordered:
                if (score > previous) if falling else (score < previous):
                    raise _broken(retriever, f"returned hits out of order: {score} after {previous}")
                previous = score
        first = place.setdefault(node_id, len(hits))
        evidence = hit._evidence or ((leg, rank, score),)
        if first == len(hits):
            fresh = NodeWithScore(node, score, evidence)
            fresh._origin = hit._origin
            hits.append(fresh)
        else:
            again.setdefault(first, list(hits[first]._evidence)).extend(evidence)
    for first, evidences in again.items():
        hits[first]._evidence = tuple(dict.fromkeys(evidences))
    if ordered and hits:
        _check_bounds((hits[0].score, hits[-1].score), (hit.score for hit in hits), spec, retriever)
    return hits


def checked_found(found: Found, retriever: BaseRetriever) -> Found:
    """Return what was found without duplicates, each pair once with its evidence.

    Raises:
        PluginContractError: It belongs to no corpus, an ordinal is not a positive whole number, or the scores are not
            finite and in the declared order.
    """
    if found.corpus is None:
        raise _broken(retriever, "returned Found that belongs to no corpus")
    spec = retriever.score_spec
    pairs = found.pairs
    try:
        _check_pairs(pairs, spec, retriever)
    except TypeError as error:
        raise _broken(retriever, f"returned Found with what is not a pair of ordinal and score: {error}") from error
    if len(dict(pairs)) == len(pairs):
        return found
    return _once_each(found, retriever)


def _check_pairs(pairs: Sequence[Pair], spec: ScoreSpec, retriever: BaseRetriever) -> None:
    falling, ordered = spec.higher_is_better, spec.ordered
    previous = inf if falling else -inf
    for ordinal, score in pairs:
        if type(ordinal) is not int or ordinal <= 0:
            raise _broken(retriever, f"found the ordinal {shorten(repr(ordinal))}")
        if score is None:
            continue
        if type(score) is not float or not -inf < score < inf:
            raise _broken(retriever, f"gave ordinal {ordinal} the score {shorten(repr(score))}")
        if ordered:
            if (score > previous) if falling else (score < previous):
                raise _broken(retriever, f"returned hits out of order: {score} after {previous}")
            previous = score
    if ordered and pairs:
        _check_bounds((pairs[0][1], pairs[-1][1]), (score for _, score in pairs), spec, retriever)


def _once_each(found: Found, retriever: BaseRetriever) -> Found:
    evidence: dict[int, dict[OneEvidence, None]] = {}
    pairs: list[Pair] = []
    for at, (ordinal, score) in enumerate(found.pairs):
        if ordinal not in evidence:
            pairs.append((ordinal, score))
        evidence.setdefault(ordinal, {}).update(dict.fromkeys(evidence_of(found, at, retriever.name)))
    return found.with_pairs(pairs, [tuple(evidence[ordinal]) for ordinal, _ in pairs])


def evidence_of(found: Found, at: int, leg: str) -> RawEvidence:
    """Return who found the pair at a place: what a composite says, else the leg itself."""
    if found.evidence is not None:
        return found.evidence[at]
    return ((leg, at + 1, found.pairs[at][1]),)


def checked_entered(returned: object, target: object, retriever: BaseRetriever) -> list[NodeWithScore]:
    """Return the hits that an index node's retriever gave, whatever class that is.

    Raises:
        PluginContractError: They are not a sequence of NodeWithScore with finite scores.
    """
    what = f"leads to {type(target).__name__}, which"
    if not isinstance(returned, Sequence) or isinstance(returned, (str, bytes)):
        raise _broken(retriever, f"{what} returned {type(returned).__name__} instead of a sequence of NodeWithScore")
    for hit in returned:
        if not isinstance(hit, NodeWithScore):
            raise _broken(retriever, f"{what} returned {shorten(repr(hit))} where a NodeWithScore must stand")
        check_hit(hit, retriever, what)
    return list(returned)


def check_hit(hit: NodeWithScore, retriever: BaseRetriever, what: str = "leads to a hit that") -> None:
    """Raise for a hit that core was led to and that could not have been returned.

    Raises:
        PluginContractError: The node has no id, or the score is not a finite number.
    """
    node_id = getattr(hit.node, "id", None)
    if type(node_id) is not str or not node_id:
        raise _broken(retriever, f"{what} {_bad_node(hit.node)}")
    if hit.score is not None and not -inf < _as_float(hit.score, retriever) < inf:
        raise _broken(retriever, f"{what} gave node {shorten(node_id)!r} the score {hit.score}")


def _check_bounds(
    ends: tuple[float | None, ...], scores: Iterable[float | None], spec: ScoreSpec, retriever: BaseRetriever
) -> None:
    """Check the first and the last score, which are in order; where an end has none, the next that is there."""
    if None in ends:
        known = [score for score in scores if score is not None]
        ends = (known[0], known[-1]) if known else ()
    for score in ends:
        if score is not None and not spec.lower_bound <= score <= spec.upper_bound:
            raise _broken(
                retriever,
                f"gave the score {score}, outside of its declared {spec.lower_bound} to {spec.upper_bound}",
            )


def _as_float(score: object, retriever: BaseRetriever) -> float:
    if isinstance(score, bool) or not isinstance(score, Real):
        raise _broken(retriever, f"gave a score that is not a number: {shorten(repr(score))}")
    try:
        return float(score)
    except OverflowError:
        return inf


def _bad_node(node: object) -> str:
    if not isinstance(node, Node):
        return f"returned a hit around {type(node).__name__}, which is not a Node"
    return f"returned a node with the id {shorten(repr(node.id))}; an id is a string that is not empty"


def _broken(retriever: BaseRetriever, problem: str) -> PluginContractError:
    shipped = f" ({retriever.distribution})" if retriever.distribution else ""
    return PluginContractError(
        f"retriever {retriever.name}{shipped} {problem}",
        mode=retriever.name,
        distribution=retriever.distribution,
        fix=f"mend {type(retriever).__module__}.{type(retriever).__qualname__}, "
        f"or report it to the authors of {retriever.distribution or type(retriever).__module__}",
    )
