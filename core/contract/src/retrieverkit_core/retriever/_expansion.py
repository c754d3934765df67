"""Following index nodes to what they lead to."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from retrieverkit_core.errors import RecursionLimitError, RetrievalError, shorten
from retrieverkit_core.found import OneEvidence
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import IndexNode, Node
from retrieverkit_core.result import NO_FILTERS, LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever._checking import check_hit

if TYPE_CHECKING:
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever._base import BaseRetriever

MAX_DEPTH = 32
"""How many index nodes may lead to each other."""

Trail = tuple[tuple[str, int], ...]
"""The index nodes on the way: the id of each and the identity of what it leads to.

Nodes of two corpora may have one id, and what they lead to is still not a circle.
"""

trail: ContextVar[Trail] = ContextVar("retrieverkit_trail", default=())
"""What led to the running retrieval."""

Entered = dict[int, tuple[Any, list[NodeWithScore]]]
"""What was found where index nodes lead, by the identity of the target: nothing is entered twice in one call.

The target is kept with it: the identity of an object that is gone is given to another.
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A retriever or query engine that an index node leads to.

    Attributes:
        origin: The hit on the index node.
        target: The retriever or query engine.
        query: What to ask it.
        trail: What led here.
    """

    origin: NodeWithScore
    target: Any
    query: QueryBundle
    trail: Trail


class Expanded(NamedTuple):
    """What hits come to.

    Attributes:
        groups: What each hit comes to, in the order of the hits.
        legs: The status of each retriever that was entered now.
        warnings: What these warn of.
    """

    groups: list[list[NodeWithScore]]
    legs: list[LegStatus]
    warnings: list[str]


def leads_on(hits: Iterable[NodeWithScore]) -> bool:
    """Return whether any hit is on an index node."""
    return any(type(hit.node) is not Node and isinstance(hit.node, IndexNode) for hit in hits)


def expand(
    hits: list[NodeWithScore], retriever: BaseRetriever, query: QueryBundle, entered: Entered
) -> Generator[list[Visit], list[list[NodeWithScore]], Expanded]:
    """Return what each hit comes to.

    Args:
        hits: What was found, index nodes among it.
        retriever: Whose object map leads on.
        query: What is asked where index nodes lead.
        entered: What was entered before; what is entered now is added.

    Raises:
        RecursionLimitError: Index nodes lead to each other in a circle, or too deeply.
        RetrievalError: An index node leads to something that cannot be asked.
    """
    places = [_follow(hit, retriever, query, trail.get()) for hit in hits]
    new: dict[int, Visit] = {}
    for place in places:
        if isinstance(place, Visit) and id(place.target) not in entered:
            new.setdefault(id(place.target), place)
    legs: list[LegStatus] = []
    warnings: list[str] = []
    if new:
        for (key, visit), found in zip(new.items(), (yield list(new.values())), strict=True):
            entered[key] = (visit.target, found)
            if isinstance(found, RetrievalResult):
                legs.append(leg := _leg(visit, found))
                warnings += (f"{leg.name}: {warning}" for warning in found.warnings)
    groups = [list(entered[id(place.target)][1]) if isinstance(place, Visit) else [place] for place in places]
    return Expanded(groups, legs, warnings)


def deduplicated(groups: Iterable[list[NodeWithScore]]) -> list[list[NodeWithScore]]:
    """Return the groups with each node once, where it stands first, with the evidence of all; no empty group."""
    first: dict[str, NodeWithScore] = {}
    evidence: dict[str, dict[OneEvidence, None]] = {}
    for group in groups:
        for hit in group:
            node_id = hit.node.id
            if node_id not in first:
                first[node_id] = hit.with_score(hit.score, hit._evidence)
            evidence.setdefault(node_id, {}).update(dict.fromkeys(hit._evidence))
    for node_id, hit in first.items():
        hit._evidence = tuple(evidence[node_id])
    kept: list[list[NodeWithScore]] = []
    for group in groups:
        own = [first.pop(hit.node.id) for hit in group if hit.node.id in first]
        if own:
            kept.append(own)
    return kept


def _follow(hit: NodeWithScore, retriever: BaseRetriever, query: QueryBundle, path: Trail) -> NodeWithScore | Visit:
    object_map: Mapping[str, Any] = retriever._object_map
    while isinstance(hit.node, IndexNode):
        node = hit.node
        target = node.obj if node.obj is not None else object_map.get(node.index_id)
        if target is None:
            return hit
        step = (node.id, id(target))
        if step in path or len(path) >= MAX_DEPTH:
            raise RecursionLimitError([*(node_id for node_id, _ in path), node.id])
        path = (*path, step)
        if isinstance(target, NodeWithScore):
            check_hit(target, retriever)
            hit = NodeWithScore(target.node, target.score, hit._evidence)
        elif isinstance(target, Node):
            hit = NodeWithScore(target, hit.score, hit._evidence)
        elif callable(getattr(target, "retrieve", None)) or callable(getattr(target, "query", None)):
            return Visit(hit, target, query, path)
        else:
            raise RetrievalError(
                f"index node {shorten(node.id)!r} leads to {type(target).__name__}, which cannot be asked",
                fix="let it lead to a Node, a NodeWithScore, a retriever, or an object with a query method",
            )
    return hit


def as_answer(visit: Visit, response: object) -> list[NodeWithScore]:
    """Return a query engine's response as a hit with the index node's score."""
    metadata = getattr(response, "metadata", None)
    node = Node(
        id=f"{visit.origin.node.id}#response",
        text=str(response),
        metadata=dict(metadata) if isinstance(metadata, Mapping) else {},
    )
    return [NodeWithScore(node, visit.origin.score, visit.origin._evidence)]


def _leg(visit: Visit, entered: RetrievalResult) -> LegStatus:
    state = LegState.OK if entered else LegState.EMPTY
    name = f"{entered.retriever}@{visit.origin.node.id}"
    filters = None if entered.filters is NO_FILTERS else entered.filters
    note = "; ".join([*entered.notes, *(["abstained"] if entered.abstained else [])])
    milliseconds, inner = entered.elapsed * 1000, entered.legs_of_its_own
    return LegStatus(name, state, len(entered), milliseconds, legs=inner, note=note, filters=filters)
