"""`HybridRetriever`: words and meaning, the default for most corpora."""

from __future__ import annotations

from typing import Any

from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_fusion.retriever import FusionRetriever

WEIGHTS = {"lsa": 0.3}
"""What the vector leg counts by the name of its embedding, where it was measured to differ from `WEIGHT`."""

WEIGHT = 0.5
"""What the vector leg counts with any other embedding."""


UNRELATED = {"lsa": 1e-6}
"""The similarity below which a node shares no word with the query, not even through others; 0 but for rounding."""


class HybridRetriever(FusionRetriever):
    """Fuses bm25 and vector by relative score.

    Args:
        bm25: Finds the query's words.
        vector: Finds the query's meaning; its ``embedding_spec`` names its embedding.
        weight: What the vector leg counts, from 0 to 1; bm25 has the rest. None for what was measured for the
            embedding: a fitted one such as lsa counts less than a sentence model.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: The weight is not from 0 to 1.
        ScoreMismatchError: A leg declares no scores.
    """

    name = "hybrid"

    def __init__(
        self,
        bm25: BaseRetriever,
        vector: BaseRetriever,
        *,
        weight: float | None = None,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        embedding = getattr(vector, "embedding_spec", None)
        if weight is None:
            weight = default_weight(embedding)
        super().__init__([bm25, vector], method="relative_score", weights=[1 - weight, weight], top_k=top_k, **base)
        if embedding is not None:
            self.notes = (f"embedding: {embedding}, weight {weight:g}",)


def default_weight(embedding: str | None) -> float:
    """Return what the vector leg counts with an embedding, named with or without its options."""
    return WEIGHTS.get(name_of(embedding), WEIGHT)


def name_of(embedding: str | None) -> str:
    """Return an embedding's name without its options."""
    return (embedding or "").partition("(")[0]
