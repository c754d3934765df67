"""Following index nodes to what they lead to."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import RecursionLimitError, RetrievalError, shorten
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import IndexNode, Node
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever._candidates import deduplicated

if TYPE_CHECKING:
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.retriever._base import BaseRetriever

MAX_DEPTH = 32
"""How many index nodes may lead to each other."""

trail: ContextVar[tuple[str, ...]] = ContextVar("retrieverkit_trail", default=())
"""The ids of the index nodes that led to the running retrieval."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A retriever or query engine that an index node leads to.

    Attributes:
        origin: The hit on the index node.
        target: The retriever or query engine.
        query: What to ask it.
        trail: The ids of the index nodes that led here.
    """

    origin: NodeWithScore
    target: Any
    query: QueryBundle
    trail: tuple[str, ...]


def leads_on(hits: Iterable[NodeWithScore]) -> bool:
    """Return whether any hit is on an index node."""
    return any(type(hit.node) is not Node and isinstance(hit.node, IndexNode) for hit in hits)


def expand(
    hits: list[NodeWithScore], retriever: BaseRetriever, query: QueryBundle
) -> Generator[list[Visit], list[list[NodeWithScore]], tuple[list[NodeWithScore], tuple[LegStatus, ...]]]:
    """Put in the place of each index node what it leads to; return the hits without duplicates, and the legs entered.

    Raises:
        RecursionLimitError: Index nodes lead to each other in a circle, or too deeply.
        RetrievalError: An index node leads to something that cannot be asked.
    """
    places: list[NodeWithScore | Visit] = [_follow(hit, retriever._object_map, query, trail.get()) for hit in hits]
    visits = [place for place in places if isinstance(place, Visit)]
    found = iter((yield visits) if visits else [])
    expanded: list[NodeWithScore] = []
    legs: list[LegStatus] = []
    for place in places:
        if isinstance(place, Visit):
            entered = next(found)
            expanded += entered
            if isinstance(entered, RetrievalResult):
                legs.append(_leg(place, entered))
        else:
            expanded.append(place)
    return deduplicated(expanded), tuple(legs)


def _follow(
    hit: NodeWithScore, object_map: Mapping[str, Any], query: QueryBundle, path: tuple[str, ...]
) -> NodeWithScore | Visit:
    while isinstance(hit.node, IndexNode):
        node = hit.node
        target = node.obj if node.obj is not None else object_map.get(node.index_id)
        if target is None:
            return hit
        if node.id in path or len(path) >= MAX_DEPTH:
            raise RecursionLimitError((*path, node.id))
        path = (*path, node.id)
        if isinstance(target, NodeWithScore):
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
    inner = tuple(entered._legs)
    name = f"{entered.retriever}@{visit.origin.node.id}"
    return LegStatus(name, state, len(entered), entered.elapsed * 1000, legs=inner)
