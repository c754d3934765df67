"""What a retriever's scores mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf


class ScoreKind(StrEnum):
    """The kind of number that a score is. Sums over different kinds need a normaliser."""

    SIMILARITY = "similarity"
    DISTANCE = "distance"
    BM25 = "bm25"
    PROBABILITY = "probability"
    RELEVANCE = "relevance"
    RANK = "rank"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ScoreSpec:
    """The declared meaning of a retriever's scores.

    Attributes:
        kind: What kind of number they are; NONE promises nothing, not even an order.
        higher_is_better: The order of the hits: scores fall from first to last if true, else they rise.
        lower_bound: No score is smaller.
        upper_bound: No score is larger.
    """

    kind: ScoreKind = ScoreKind.NONE
    higher_is_better: bool = True
    lower_bound: float = -inf
    upper_bound: float = inf

    @property
    def ordered(self) -> bool:
        """Whether the hits must come in the order of their scores."""
        return self.kind is not ScoreKind.NONE


UNSCORED = ScoreSpec()
