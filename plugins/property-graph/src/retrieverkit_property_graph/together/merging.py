"""From the lists of legs to one order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

from retrieverkit_core.found import RawEvidence
from retrieverkit_core.hits import Evidence
from retrieverkit_core.result import RetrievalResult

Key = str | int
"""What a node is known by: its id, or its ordinal where all lists are of one corpus."""

RRF_K = 60
"""How little first ranks stand out where parts are merged (Cormack and others, *Reciprocal Rank Fusion*, 2009)."""


class Listing(NamedTuple):
    """What one leg found.

    Attributes:
        leg: The leg's name.
        retriever: The name under which the leg's retriever gives evidence.
        rows: Where each node stands in the list, from 0.
        scores: The score of each.
        evidence: Who found each, or None where the leg alone did.
    """

    leg: str
    retriever: str
    rows: dict[Key, int]
    scores: Sequence[float | None]
    evidence: Sequence[RawEvidence] | None

    @classmethod
    def by_ordinal(cls, leg: str, result: RetrievalResult) -> Listing:
        """Return an answer as a list of ordinals; no node is read."""
        found = result.found
        assert found is not None
        rows: dict[Key, int] = {ordinal: row for row, (ordinal, _) in enumerate(found.pairs)}
        return cls(leg, result.retriever, rows, [score for _, score in found.pairs], found.evidence)

    @classmethod
    def by_id(cls, leg: str, result: RetrievalResult) -> Listing:
        """Return an answer as a list of node ids."""
        rows: dict[Key, int] = {hit.node.id: row for row, hit in enumerate(result)}
        return cls(leg, result.retriever, rows, [hit.score for hit in result], [hit._evidence for hit in result])

    def evidence_of(self, key: Key) -> RawEvidence:
        """Return the leg with the rank and score of a node there, and who found it for that leg."""
        row = self.rows.get(key)
        if row is None:
            return ()
        own = Evidence(self.leg, row + 1, self.scores[row])
        inner = () if self.evidence is None else self.evidence[row]
        others: list[tuple[str, int, float | None]] = []
        for each in inner:
            details = each.details if isinstance(each, Evidence) else None
            if each[0] == self.retriever:
                own = Evidence(own.leg, own.rank, own.score, details)
            else:
                others.append(Evidence(f"{self.leg}/{each[0]}", each[1], each[2], details))
        return (own, *others)


def order_of(plain: Listing | None, parts: Sequence[Listing], keep: int) -> list[Key]:
    """Return all nodes, each once: the first of the plain list, then in turns one of the parts' and one of its others.

    A turn of a list whose next node is there already passes.

    Args:
        plain: What the plain retriever found, or None.
        parts: What the parts found; they are one list by `RRF_K`.
        keep: How many of the plain list stay first.
    """
    listed = [] if plain is None else list(plain.rows)
    kept = dict.fromkeys(listed[:keep])
    walked = [key for key in _by_ranks(parts) if key not in kept]
    turns = chain.from_iterable(zip_longest(walked, listed[keep:]))
    return list(dict.fromkeys(chain(kept, (key for key in turns if key is not None))))


def _by_ranks(parts: Sequence[Listing]) -> list[Key]:
    """Return the nodes of some lists by the sum of their reciprocal ranks; equal ones by their best rank."""
    worth: dict[Key, float] = {}
    best: dict[Key, int] = {}
    for part in parts:
        for key, row in part.rows.items():
            worth[key] = worth.get(key, 0.0) + 1 / (RRF_K + row + 1)
            best[key] = min(row, best.get(key, row))
    return sorted(worth, key=lambda key: (-worth[key], best[key]))
