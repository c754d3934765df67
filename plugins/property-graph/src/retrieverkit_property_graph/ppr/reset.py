"""Where the walk starts: at what the query says, and a little at what another retriever finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrieverkit_property_graph.graph.arrays import GraphArrays
from retrieverkit_property_graph.ppr.network import Floats, Integers, Network


@dataclass(frozen=True, slots=True)
class Seeds:
    """The relations that the walk starts at, best first.

    Attributes:
        relations: Their places among the relations.
        scores: How near each is to the query, above 0.
    """

    relations: Integers
    scores: Floats

    @classmethod
    def of(cls, facts: Sequence[tuple[int, float]], arrays: GraphArrays) -> Seeds:
        """Return relations, given by id with their scores, as seeds."""
        ids = np.array([relation for relation, _ in facts], np.int64)
        places = np.searchsorted(arrays.relations.ids, ids)
        return cls(places.astype(np.int64), np.array([score for _, score in facts], np.float64))


def reset(arrays: GraphArrays, network: Network, seeds: Seeds, prior: tuple[Integers, Floats], weight: float) -> Floats:
    """Return how probable it is, up to a factor, that the walk starts at each node.

    Each relation gives its score, that of the best one being 1, to each of its ends, divided by the number of passages
    that name that: what many passages name says little. Each passage has ``weight`` times what the other retriever
    says.

    Args:
        arrays: The graph.
        network: Its network.
        seeds: The relations.
        prior: The ordinals of passages, and from 0 to 1 how well each answers the query by itself.
        weight: What the best of those counts beside the best relation.
    """
    start = np.zeros(network.size)
    if len(seeds.relations):
        given = seeds.scores / seeds.scores.max()
        subjects, objects = arrays.relations.subjects[seeds.relations], arrays.relations.objects[seeds.relations]
        two = subjects != objects
        ends = np.concatenate([subjects, objects[two]])
        np.add.at(start, ends, np.concatenate([given, given[two]]) / network.passages_of[ends])
    ordinals, scores = prior
    places = np.searchsorted(arrays.passages, ordinals)
    here = places < len(arrays.passages)
    here[here] = arrays.passages[places[here]] == ordinals[here]
    np.add.at(start, network.entities + places[here], weight * scores[here])
    return start
