"""`Comparison`: how another retriever would have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieverkit_core.result import RetrievalResult


@dataclass(frozen=True, slots=True)
class Comparison:
    """How another retriever would have answered a query.

    Attributes:
        served: The ids of the hits that were returned, best first.
        shadow: Those of the other retriever; none where it failed.
        served_ms: How many milliseconds the answer took.
        shadow_ms: How many the other took.
        error: Why there is no other answer, or None.
    """

    served: tuple[str, ...]
    shadow: tuple[str, ...] = ()
    served_ms: float = 0.0
    shadow_ms: float = 0.0
    error: Exception | None = None

    @classmethod
    def of(cls, served: Sequence[str], served_ms: float, other: RetrievalResult) -> Comparison:
        """Return the comparison of what was returned with another result."""
        ids = tuple(hit.node.id for hit in other)
        return cls(tuple(served), ids, served_ms, other.elapsed * 1000)

    @property
    def overlap(self) -> float:
        """The share of all ids that both have, from 0 to 1; 1 where neither has any."""
        both, either = set(self.served) & set(self.shadow), set(self.served) | set(self.shadow)
        return len(both) / len(either) if either else 1.0

    @property
    def same_first(self) -> bool:
        """Whether both have the same first hit, or none."""
        return self.served[:1] == self.shadow[:1]

    def __str__(self) -> str:
        if self.error is not None:
            return f"the other retriever failed: {type(self.error).__name__}: {self.error}"
        first = "the same first hit" if self.same_first else "another first hit"
        return (
            f"overlap {self.overlap:.2f}, {first}; {len(self.served)} hits in {self.served_ms:.1f} ms and "
            f"{len(self.shadow)} in {self.shadow_ms:.1f} ms"
        )
