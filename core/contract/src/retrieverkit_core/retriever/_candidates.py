"""Checking what a retriever's own code returned."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from numbers import Real
from typing import TYPE_CHECKING

from retrieverkit_core.errors import PluginContractError, shorten
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever


def checked(returned: object, retriever: BaseRetriever) -> list[NodeWithScore]:
    """Return fresh hits, without duplicates, each with its evidence.

    The author's objects are not kept: another retriever, or a cache of the author's, may hold them too.

    Raises:
        PluginContractError: ``returned`` is not a sequence of NodeWithScore with finite scores in the declared order.
    """
    if not isinstance(returned, Sequence) or isinstance(returned, (str, bytes)):
        raise _broken(retriever, f"returned {type(returned).__name__} instead of a sequence of NodeWithScore")
    spec = retriever.scores
    ordered, falling = spec.ordered, spec.higher_is_better
    leg = retriever.name
    hits: list[NodeWithScore] = []
    place: dict[str, int] = {}
    previous = inf if falling else -inf
    for rank, hit in enumerate(returned, 1):
        if type(hit) is not NodeWithScore and not isinstance(hit, NodeWithScore):
            raise _broken(retriever, f"returned {shorten(repr(hit))} where a NodeWithScore must stand")
        node, score = hit.node, hit.score
        if score is not None:
            if type(score) is not float:
                score = _as_float(score, retriever)
            if not -inf < score < inf:
                raise _broken(retriever, f"gave node {shorten(_id_of(node))!r} the score {score}")
            if ordered:
                if (score > previous) if falling else (score < previous):
                    raise _broken(retriever, f"returned hits out of order: {score} after {previous}")
                previous = score
        try:
            node_id = node.id
            first = place.setdefault(node_id, len(hits))
        except (AttributeError, TypeError) as error:
            raise _broken(retriever, f"returned a hit around {type(node).__name__}, which is no Node") from error
        evidence = hit._evidence or ((leg, rank, score),)
        if first == len(hits):
            hits.append(NodeWithScore(node, score, evidence))
        else:
            hits[first]._evidence += tuple(e for e in evidence if e not in hits[first]._evidence)
    if ordered and hits:
        _check_bounds(hits, retriever)
    return hits


def deduplicated(hits: Sequence[NodeWithScore]) -> list[NodeWithScore]:
    """Return the first hit for each node id, with the evidence of all of them."""
    found: dict[str, NodeWithScore] = {}
    for hit in hits:
        first = found.setdefault(hit.node.id, hit)
        if first is not hit:
            merged = first._evidence + tuple(e for e in hit._evidence if e not in first._evidence)
            found[hit.node.id] = NodeWithScore(first.node, first.score, merged)
    return list(found.values())


def _check_bounds(hits: list[NodeWithScore], retriever: BaseRetriever) -> None:
    spec = retriever.scores
    for hit in (hits[0], hits[-1]):
        if hit.score is not None and not spec.lower_bound <= hit.score <= spec.upper_bound:
            raise _broken(
                retriever,
                f"gave the score {hit.score}, outside of its declared {spec.lower_bound} to {spec.upper_bound}",
            )


def _as_float(score: object, retriever: BaseRetriever) -> float:
    if isinstance(score, bool) or not isinstance(score, Real):
        raise _broken(retriever, f"gave a score that is no number: {shorten(repr(score))}")
    return float(score)


def _id_of(node: object) -> str:
    return node.id if isinstance(node, Node) else repr(node)


def _broken(retriever: BaseRetriever, problem: str) -> PluginContractError:
    shipped = f" ({retriever.distribution})" if retriever.distribution else ""
    return PluginContractError(
        f"retriever {retriever.name}{shipped} {problem}",
        mode=retriever.name,
        distribution=retriever.distribution,
        fix=f"report it to the authors of {retriever.distribution or type(retriever).__module__}",
    )
