"""Personalised PageRank, exactly or near enough.

A walker starts at a node drawn from the reset vector *r*. At each step it starts again with the probability *a*, else
it goes along an edge drawn by weight. The share of its time that it spends at each node is *x*, the solution of

    x = a r + (1 - a) W D⁻¹ x

with *W* the symmetric weights and *D* the strengths of the nodes (Page and others, *The PageRank Citation Ranking*,
1998; Haveliwala, *Topic-Sensitive PageRank*, 2002). At a node without an edge the walk ends.
"""

from __future__ import annotations

from math import ceil, log
from typing import NamedTuple

import numpy as np

from retrieverkit_property_graph.ppr.network import Floats, Integers, Network

RESTART = 0.4
"""How probable a new start is at each step: what is sought is one or two relations from where the walker starts."""

TOLERANCE = 1e-7
"""By how much all shares together may be off where they are computed exactly."""

EXACT_EDGES = 500_000
"""Above so many edges the shares are computed near the start alone."""

PUSH_UNTIL = 1e-6
"""Near the start alone: no share lacks more than this times the strength of its node."""


class Shares(NamedTuple):
    """The share of its time that the walker spends at each node.

    Attributes:
        of: The shares, shape (E + P,).
        until: No share lacks more than this times the strength of its node; 0 where all are exact.
    """

    of: Floats
    until: float


def shares(network: Network, reset: Floats) -> Shares:
    """Return the shares, by `powers` in a network of at most `EXACT_EDGES` edges and by `pushes` in a larger one.

    Args:
        network: The network.
        reset: Where the walker starts: a number from 0 up per node, not all 0.
    """
    return powers(network, reset) if network.edges <= EXACT_EDGES else pushes(network, reset)


def powers(network: Network, reset: Floats) -> Shares:
    """Return the shares by power iteration. Each step makes what is missing smaller by the factor ``1 - RESTART``."""
    start = reset / reset.sum()
    along = network.weights
    share = (1 - RESTART) * network.share
    reached = start
    for _ in range(ceil(log(TOLERANCE / 2) / log(1 - RESTART))):
        reached = RESTART * start + along @ (share * reached)
    return Shares(reached, 0.0)


def pushes(network: Network, reset: Floats, until: float = PUSH_UNTIL) -> Shares:
    """Return the shares by forward push (Andersen, Chung and Lang, *Local Graph Partitioning using PageRank*, 2006).

    What waits at a node is passed on: the part ``RESTART`` of it stays, the rest goes along the edges. All nodes at
    which enough waits pass on together, in the order of the nodes, so that equal questions have equal answers. In the
    end at most ``until * strength`` waits at a node; the edges having no direction, no share lacks more than that.

    Args:
        network: The network.
        reset: Where the walker starts: a number from 0 up per node, not all 0.
        until: A node with less waiting than this times its strength passes nothing on.
    """
    kept = np.zeros(network.size)
    waiting = reset / reset.sum()
    strength, share = network.strength, network.share
    active: Integers = np.flatnonzero(waiting)
    while len(active):
        passed = waiting[active]
        waiting[active] = 0.0
        kept[active] += RESTART * passed
        reached, arrived = _along(network, active, (1 - RESTART) * passed * share[active])
        waiting[reached] += arrived
        active = reached[waiting[reached] > until * strength[reached]]
    return Shares(kept, until)


def _along(network: Network, nodes: Integers, per_weight: Floats) -> tuple[Integers, Floats]:
    """Return which nodes are reached from ``nodes``, ascending, and what comes to each.

    Args:
        network: The network.
        nodes: Where it comes from, each once.
        per_weight: What each of them passes on along an edge of the weight 1.
    """
    pointers, neighbours, weights = network.weights.indptr, network.weights.indices, network.weights.data
    first = pointers[nodes].astype(np.int64)
    counts = pointers[nodes + 1] - first
    places = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
    reached, at = np.unique(neighbours[places], return_inverse=True)
    arrived = np.bincount(at, np.repeat(per_weight, counts) * weights[places], len(reached))
    return reached.astype(np.int64), arrived.astype(np.float64)
