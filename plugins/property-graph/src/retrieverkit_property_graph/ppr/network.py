"""The network that PageRank walks on: entities and passages, and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from retrieverkit_property_graph.graph.arrays import GraphArrays

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Network:
    """Entities, then passages, joined by weighted edges without direction.

    A relation joins its two entities, a mention an entity and a passage, each with the weight 1; several relations
    between two entities add up. One of an entity to itself joins nothing.

    Args:
        arrays: The graph: E entities and P passages. Entities are the nodes from 0 to E - 1, passages those from E on.
        keys: The key of each entity.
        pairs: Entities that have like names, shape (L, 2).
        likeness: How like they are, which is the weight of the edge between them; shape (L,).

    Attributes:
        entities: E.
        size: E + P.
        weights: The weight of the edge between each two nodes, symmetric; shape (E + P, E + P).
        passages_of: How many passages name each entity; shape (E,).
        alphabetical: The place of each entity in the order of their keys, which does not depend on how the graph came
            about, as that of the entities does; shape (E,).
    """

    def __init__(self, arrays: GraphArrays, keys: Sequence[str], pairs: Integers, likeness: Floats) -> None:
        self.entities = len(arrays.entities)
        self.size = self.entities + len(arrays.passages)
        subjects, objects = arrays.relations.subjects, arrays.relations.objects
        two = subjects != objects
        one = np.concatenate([subjects[two], arrays.mentions.entities, pairs[:, 0]])
        other = np.concatenate([objects[two], arrays.mentions.passages + self.entities, pairs[:, 1]])
        weight = np.concatenate([np.ones(len(one) - len(pairs)), likeness])
        self.weights = _symmetric(one, other, weight, self.size)
        self.passages_of: Integers = np.bincount(arrays.mentions.entities, minlength=self.entities).astype(np.int64)
        self.alphabetical: Integers = np.empty(self.entities, np.int64)
        self.alphabetical[sorted(range(self.entities), key=keys.__getitem__)] = np.arange(self.entities)

    @cached_property
    def edges(self) -> int:
        """How many pairs of nodes are joined."""
        return int(self.weights.nnz // 2)

    @cached_property
    def strength(self) -> Floats:
        """The sum of the weights of each node's edges; shape (E + P,)."""
        return np.asarray(self.weights.sum(axis=0), dtype=np.float64).ravel()

    @cached_property
    def share(self) -> Floats:
        """One over each node's strength; 0 for a node without an edge."""
        strength = self.strength
        return np.divide(1.0, strength, out=np.zeros_like(strength), where=strength > 0)

    def neighbours(self, node: int) -> tuple[Integers, Floats]:
        """Return the nodes that a node is joined to, ascending, and the weight of each edge."""
        here = slice(self.weights.indptr[node], self.weights.indptr[node + 1])
        return self.weights.indices[here], self.weights.data[here]


def _symmetric(one: Integers, other: Integers, weight: Floats, size: int) -> csr_array:
    rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
    matrix = csr_array((np.concatenate([weight, weight]), (rows, columns)), shape=(size, size))
    matrix.sum_duplicates()
    return matrix
