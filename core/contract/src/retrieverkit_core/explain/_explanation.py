"""What a retrieval did, for readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieverkit_core.errors import UsageError, shorten
from retrieverkit_core.explain._codes import Status
from retrieverkit_core.explain._scores import Score

LOST_SHOWN = 20
"""How many of the ids that a stage lost are named; how many there are is said in full."""

NEAR_MISSES = 3
"""How many nodes beneath a cut are named."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that a stage lost.

    Attributes:
        node_id: Its id.
        into: The id of the node that stands for it, or "".
    """

    node_id: str
    into: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A node at a place in a ranking.

    Attributes:
        node_id: Its id.
        rank: Its rank, from 1.
        score: Its score there, or None.
        leg: The leg whose ranking it is, by its way from the top, such as ``"fusion/bm25"``.
    """

    node_id: str
    rank: int
    score: float | None
    leg: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        own: dict[str, Any] = {"leg": self.leg} if self.leg else {"node_id": self.node_id}
        return {**own, "rank": self.rank, "score": self.score}


@dataclass(frozen=True, slots=True)
class Stage:
    """What a retriever, or one stage of it, did.

    Attributes:
        name: The stage, or the leg.
        status: What became of it.
        n_in: How many nodes came in; None where it found them itself.
        n_out: How many went out.
        n_lost: How many it lost.
        lost: The first `LOST_SHOWN` of them.
        near_misses: The first `NEAR_MISSES` beneath its cut, with their scores.
        milliseconds: How long it took; 0.0 where that was not measured.
        error: What went wrong, or "".
        note: What a reader should know.
        stages: What it did itself: its legs first, then its stages, in order.
        is_leg: Whether it is a retriever.
    """

    name: str
    status: Status = Status.APPLIED
    n_in: int | None = None
    n_out: int = 0
    n_lost: int = 0
    lost: tuple[Lost, ...] = ()
    near_misses: tuple[Place, ...] = ()
    milliseconds: float = 0.0
    error: str = ""
    note: str = ""
    stages: tuple[Stage, ...] = ()
    is_leg: bool = False

    def walk(self) -> Iterator[Stage]:
        """Yield this stage and all in it."""
        yield self
        for stage in self.stages:
            yield from stage.walk()

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        told: dict[str, Any] = {"name": self.name, "status": self.status.value}
        told |= {"in": self.n_in, "out": self.n_out, "milliseconds": round(self.milliseconds, 3)}
        if not self.is_leg:
            told["lost"] = {"total": self.n_lost, "ids": [each.node_id for each in self.lost]}
            if into := {each.node_id: each.into for each in self.lost if each.into}:
                told["lost"]["into"] = into
            told["near_misses"] = [place.as_dict() for place in self.near_misses]
        told |= {name: text for name, text in (("error", self.error), ("note", self.note)) if text}
        if self.stages:
            told["stages"] = [stage.as_dict() for stage in self.stages]
        return told


@dataclass(frozen=True, slots=True)
class HitExplained:
    """Where one hit comes from.

    Attributes:
        node_id: The node's id.
        rank: Its rank, from 1.
        score: What its score was made from.
        legs: Its rank and score in each leg that found it, legs of legs included.
    """

    node_id: str
    rank: int
    score: Score
    legs: tuple[Place, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        return {
            "node_id": self.node_id,
            "rank": self.rank,
            "score": self.score.as_dict(),
            "legs": [place.as_dict() for place in self.legs],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """How an answer came about: a tree that mirrors the retriever, and where each hit comes from.

    Attributes:
        root: The retriever.
        hits: Each hit, best first.
    """

    root: Stage
    hits: tuple[HitExplained, ...] = ()

    def hit(self, node_id: str) -> HitExplained:
        """Return what is known of one hit.

        Raises:
            UsageError: It is not among the hits.
        """
        for hit in self.hits:
            if hit.node_id == node_id:
                return hit
        raise UsageError(
            f"{shorten(repr(node_id))} is not among the hits", fix="ask why with retriever.why_not(query, node_id)"
        )

    @property
    def recombines(self) -> bool:
        """Whether the parts of every score come to it, see `Score.recombines`."""
        return all(hit.score.recombines for hit in self.hits)

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        return {"stages": self.root.as_dict(), "hits": [hit.as_dict() for hit in self.hits]}

    def __str__(self) -> str:
        from retrieverkit_core.explain._show import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from retrieverkit_core.explain._show import as_html

        return as_html(self)
