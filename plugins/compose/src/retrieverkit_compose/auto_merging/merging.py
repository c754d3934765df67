"""From leaves to the nodes that they are parts of: what is found does not depend on the order it is found in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from retrieverkit_compose.relatives import Relatives, parents_of
from retrieverkit_core.nodes import Node


@dataclass(frozen=True, slots=True)
class Merged:
    """A node of the answer, and what it stands for.

    Attributes:
        node: The node.
        score: The mean score of what it stands for; its own where it was found itself; None for no score.
        hits: The ids of the hits that it stands for, in no order; its own where it was found itself.
    """

    node: Node
    score: float | None
    hits: frozenset[str]


def merged(found: Sequence[Merged], relatives: Relatives, threshold: float) -> list[Merged]:
    """Fill gaps, then put parents in the places of their children, until nothing changes.

    A node between two neighbours that were found is there too, with their mean score. A parent of whose children more
    than ``threshold`` are there takes their place, with the mean of their scores; one that was found itself takes the
    place of all of them, with its own. Each round looks at what the round before left, and changes all of it at once; a
    parent waits until nothing below it can change, as not all leaves are equally deep.

    Args:
        found: The hits.
        relatives: Where parents and neighbours are read.
        threshold: The share of its children that calls for a parent.

    Returns:
        The nodes, in no order.
    """
    there = {each.node.id: each for each in found}
    relatives.read([*parents_of(each.node for each in there.values()), *_gaps(there)])
    there |= _filled(there, relatives)
    replaced: set[str] = set()
    while True:
        _read_ancestors(there, relatives)
        after = _with_parents(there, relatives, threshold, replaced)
        if after.keys() == there.keys():
            return list(after.values())
        replaced |= there.keys() - after.keys()
        there = after


def _gaps(there: Mapping[str, Merged]) -> Iterable[str]:
    """Yield the id of each node between two that are there."""
    behind = {each.node.prev_node for each in there.values()}
    for each in there.values():
        gap = each.node.next_node
        if gap is not None and gap not in there and gap in behind:
            yield gap


def _filled(there: Mapping[str, Merged], relatives: Relatives) -> dict[str, Merged]:
    filled = {}
    for gap in _gaps(there):
        node = relatives.get(gap)
        if node is None or node.prev_node == node.next_node:
            continue
        one, other = there.get(node.prev_node or ""), there.get(node.next_node or "")
        if one is not None and other is not None:
            filled[gap] = Merged(node, _mean([one.score, other.score]), one.hits | other.hits)
    return filled


def _with_parents(
    there: Mapping[str, Merged], relatives: Relatives, threshold: float, replaced: set[str]
) -> dict[str, Merged]:
    """Return what is there after one round, from the smallest nodes up; what was replaced never comes back."""
    families: defaultdict[str, list[Merged]] = defaultdict(list)
    parents: dict[str, Node] = {}
    for each in there.values():
        parent = relatives.get(each.node.parent_node)
        if parent is not None and parent.id not in replaced and each.node.id in parent.child_nodes:
            families[parent.id].append(each)
            parents[parent.id] = parent
    ready = [
        name
        for name, children in families.items()
        if name in there or len(children) > threshold * len(set(parents[name].child_nodes))
    ]
    waiting = {above for name in ready for above in _ancestors(parents[name], relatives)}
    after = dict(there)
    for name in ready:
        if name in waiting:
            continue
        children, own = families[name], there.get(name)
        for child in children:
            after.pop(child.node.id, None)
        hits = frozenset().union(*(each.hits for each in (*children, own) if each is not None))
        score = _mean([child.score for child in children]) if own is None else own.score
        after[name] = Merged(parents[name], score, hits)
    return after


def _read_ancestors(there: Mapping[str, Merged], relatives: Relatives) -> None:
    nodes = [each.node for each in there.values()]
    seen: set[str] = set()
    while above := [name for name in parents_of(nodes) if name not in seen]:
        seen.update(above)
        relatives.read(above)
        nodes = [node for name in above if (node := relatives.get(name)) is not None]


def _ancestors(node: Node, relatives: Relatives) -> Iterable[str]:
    """Yield the ids of what is above a node, each once: relationships may lead in a circle."""
    seen = {node.id}
    above = relatives.get(node.parent_node)
    while above is not None and above.id not in seen:
        seen.add(above.id)
        yield above.id
        above = relatives.get(above.parent_node)


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fsum(known) / len(known) if known else None
