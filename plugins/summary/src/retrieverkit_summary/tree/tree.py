"""`Tree`: who stands under whom, at one state of the corpus, among the nodes that pass."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieverkit_summary.tree.shape import levels


class Place(NamedTuple):
    """A node of the tree.

    Attributes:
        level: 0 for a leaf.
        at: Its place among those of its level.
    """

    level: int
    at: int


class Tree:
    """A tree. It never changes.

    Args:
        ordinals: The ordinal of each leaf, in order.
        hashes: The hash of each leaf's id.
        digests: A hash of what each leaf says.
        num_children: How many children a parent has on average.

    Attributes:
        ordinals: The same.
        depth: How many levels stand above the leaves.
    """

    def __init__(
        self, ordinals: NDArray[np.int64], hashes: NDArray[np.uint64], digests: Sequence[str], num_children: int
    ) -> None:
        self.ordinals = ordinals
        self._hashes = hashes
        self._digests = digests
        self._ends = levels(hashes, num_children)
        self.depth = len(self._ends)

    @property
    def roots(self) -> list[Place]:
        """The nodes that have no parent, in order; without any summary, the leaves."""
        return [Place(self.depth, at) for at in range(self.count(self.depth))]

    def count(self, level: int) -> int:
        """Return how many nodes stand on a level."""
        return len(self._ends[level - 1]) if level else len(self.ordinals)

    def children(self, place: Place) -> list[Place]:
        """Return the children of a node, in order; none of a leaf."""
        if place.level == 0:
            return []
        start, end = self._children(place)
        return [Place(place.level - 1, at) for at in range(start, end)]

    def leaves(self, place: Place) -> range:
        """Return the places of all leaves beneath a node; of a leaf, its own."""
        start, end = place.at, place.at + 1
        for ends in reversed(self._ends[: place.level]):
            start, end = int(ends[start - 1]) if start else 0, int(ends[end - 1])
        return range(start, end)

    def identity(self, place: Place) -> str:
        """Return what is the same for nodes with the same texts beneath them in the same shape, and for no others."""
        return self._identities[place.level][place.at]

    def name(self, place: Place) -> str:
        """Return an id for a summary: the same as long as the nodes beneath it are, and what they say."""
        leaves = self.leaves(place)
        own = self._hashes[leaves.start : leaves.stop].astype("<u8").tobytes()
        return f"summary-{hashlib.blake2b(own + self.identity(place).encode('ascii'), digest_size=16).hexdigest()}"

    def _children(self, place: Place) -> tuple[int, int]:
        ends = self._ends[place.level - 1]
        return int(ends[place.at - 1]) if place.at else 0, int(ends[place.at])

    @cached_property
    def _identities(self) -> list[Sequence[str]]:
        made: list[Sequence[str]] = [self._digests]
        for level, ends in enumerate(self._ends, 1):
            below = made[-1]
            spans = (self._children(Place(level, at)) for at in range(len(ends)))
            made.append([_hash(level, below[start:end]) for start, end in spans])
        return made


def _hash(level: int, below: Sequence[str]) -> str:
    return hashlib.blake2b(f"{level}:{','.join(below)}".encode("ascii"), digest_size=16).hexdigest()
