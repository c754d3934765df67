"""Nodes that are known by their ordinals in a corpus before anybody reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus, Cursor
    from retrieverkit_core.result import LegStatus

Pair = tuple[int, float | None]
"""The ordinal of a node in its corpus, and its score."""

OneEvidence = tuple[str, int, "float | None"]
"""A leg that found a node, with the rank and the raw score there."""

RawEvidence = tuple[OneEvidence, ...]
"""The legs that found a node, each with the rank and the raw score there; `Evidence` where a leg says more."""


class Found(Sequence[Pair]):
    """What a search found, as ``(ordinal, score)`` pairs, best first. Its nodes are read after the cut, if at all.

    A retriever returns it from `_retrieve` in place of hits. A sequence of pairs; slicing gives a list of pairs.

    Args:
        pairs: The pairs.
        corpus: The corpus that the ordinals belong to.
        cursor: The state of the corpus that was searched.
        notes: What a reader of this answer may want to know.
        warnings: What a reader must know to trust this answer.
        legs: The status of each leg, from a composite.
        evidence: For each pair, who found it; from a composite, or where there is more to say of a hit.
        abstained: Whether the author declined to answer.
        disown: Is called with a reason when the corpus, unchanged, does not hold what was found: the index is wrong
            and must be built again.
    """

    __slots__ = ("abstained", "corpus", "cursor", "disown", "evidence", "legs_of_its_own", "notes", "pairs", "warnings")

    def __init__(
        self,
        pairs: Sequence[Pair],
        corpus: Corpus | None = None,
        cursor: Cursor | None = None,
        *,
        notes: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        legs: Sequence[LegStatus] = (),
        evidence: Sequence[RawEvidence] | None = None,
        abstained: bool = False,
        disown: Callable[[str], None] | None = None,
    ) -> None:
        self.pairs = pairs
        self.corpus = corpus
        self.cursor = cursor
        self.notes = notes
        self.warnings = warnings
        self.legs_of_its_own = tuple(legs)
        self.evidence = evidence
        self.abstained = abstained
        self.disown = disown

    def with_pairs(self, pairs: Sequence[Pair], evidence: Sequence[RawEvidence] | None = None) -> Found:
        """Return the same answer with other pairs."""
        return Found(
            pairs,
            self.corpus,
            self.cursor,
            notes=self.notes,
            warnings=self.warnings,
            legs=self.legs_of_its_own,
            evidence=evidence,
            abstained=self.abstained,
            disown=self.disown,
        )

    def undisputed(self) -> Found:
        """Return the same answer, of which nobody is told again that it is wrong."""
        same = self.with_pairs(self.pairs, self.evidence)
        same.disown = None
        return same

    def first(self, limit: int) -> Found:
        """Return the same answer with the first ``limit`` pairs at most."""
        if limit >= len(self.pairs):
            return self
        return self.with_pairs(self.pairs[:limit], None if self.evidence is None else self.evidence[:limit])

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, at: int) -> Pair: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Pair]: ...

    def __getitem__(self, at: int | slice) -> Pair | Sequence[Pair]:
        return self.pairs[at]

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __repr__(self) -> str:
        return f"Found({len(self.pairs)} pairs)"
