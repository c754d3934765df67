"""`HybridRetriever`: words and meaning, the default for most corpora."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from math import inf
from typing import Any, Self

from retrieverkit_core import explain
from retrieverkit_core.errors import OptionError, shorten
from retrieverkit_core.explain import Change, Code, Sought, Status
from retrieverkit_core.found import Found
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever, RelevanceFeedback
from retrieverkit_fusion.combining import Listing
from retrieverkit_fusion.legs import Ask
from retrieverkit_fusion.retriever import FusionRetriever

WEIGHTS = {"lsa": 0.3}
"""What the vector leg counts by the name of its embedding, where it was measured to differ from `WEIGHT`."""

WEIGHT = 0.5
"""What the vector leg counts with any other embedding."""


UNRELATED = {"lsa": 1e-6}
"""The similarity below which a node shares no word with the query, not even through others; 0 but for rounding."""

FEEDBACK = {"lsa": 0.5}
"""How far the vector query moves toward the first fused hits, by the name of the embedding; measured for these."""

LEADERS = 3
"""How many of the first fused hits it moves toward."""


class HybridRetriever(FusionRetriever):
    """Fuses bm25 and vector by relative score.

    Where ``feedback`` is above 0, the vector leg is asked twice: by the query, and by the query moved toward the mean
    of the first three fused hits (`RelevanceFeedback`); the second answer is the one that is fused. Both legs search
    one corpus.

    Args:
        bm25: Finds the query's words.
        vector: Finds the query's meaning; its ``embedding_spec`` names its embedding.
        weight: Weight of the vector leg, from 0 to 1; bm25 gets the rest. None for what measured best for the
            embedding: a fitted one such as lsa counts less than a sentence model.
        feedback: What the first fused hits count beside the query in the second look; 0 for no second look, None for
            what was measured for the embedding: 0.5 for lsa, 0 for others.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: The weight is not from 0 to 1, or the feedback is negative or not possible with this vector leg.
        ScoreMismatchError: A leg declares no scores.
    """

    name = "hybrid"

    def __init__(
        self,
        bm25: BaseRetriever,
        vector: BaseRetriever,
        *,
        weight: float | None = None,
        feedback: float | None = None,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        embedding = getattr(vector, "embedding_spec", None)
        if weight is None:
            weight = default_weight(embedding)
        super().__init__([bm25, vector], method="relative_score", weights=[1 - weight, weight], top_k=top_k, **base)
        self._vector = vector
        self._mover = vector if isinstance(vector, RelevanceFeedback) else None
        self._unrelated = UNRELATED.get(name_of(embedding))
        self._feedback = _checked_feedback(feedback, vector, embedding)
        self._improves = self._feedback > 0 and weight > 0
        self.notes = () if embedding is None else (f"embedding: {embedding}, weight {weight:g}",)

    def with_share(self, at: int, share: float) -> Self:
        """Return a copy in which one leg has that weight and the other the rest."""
        weight = self._vector_share(at, share)
        bm25, vector = self.legs
        other = copy(self)
        other._observers = None
        other._take((replace(bm25, weight=1 - weight), replace(vector, weight=weight)))
        other._improves = self._feedback > 0 and weight > 0
        return other

    def share_told(self, at: int, share: float) -> tuple[dict[str, Any], str]:
        """Return the options of `with_share`, and their text with ``{}`` for how the weight compares."""
        weight = self._vector_share(at, share)
        return {"weight": weight}, f"weight {{}} {weight:g}" if at else f"weight of bm25 {{}} {1 - weight:g}"

    def _vector_share(self, at: int, share: float) -> float:
        return round(share if at else 1 - share, 3)

    def _remedies(self, sought: Sought) -> Iterable[tuple[Change, BaseRetriever]]:
        """Yield changes of the weight; the number of candidates is not among the settings of the mode."""
        return (each for each in super()._remedies(sought) if "candidates" not in each[0].options)

    def _listing(self, ask: Ask) -> Listing:
        listing = super()._listing(ask)
        return listing._replace(lowest=self._unrelated) if ask.leg.retriever is self._vector else listing

    def _improved(self, asks: Sequence[Ask], query: QueryBundle) -> Sequence[Ask]:
        """Ask the vector leg again, by the query moved toward what both legs put first."""
        if not self._improves:
            return asks
        return [self._second_look(ask, asks) if ask.leg.retriever is self._vector else ask for ask in asks]

    def _second_look(self, ask: Ask, asks: Sequence[Ask]) -> Ask:
        """Return the leg's answer to the moved query; its first answer, with a warning, where there is no second."""
        if ask.result is None or self._mover is None:
            return ask
        again = replace(ask, result=None)
        with explain.stage("feedback", came=_seen(ask.result), code=Code.BELOW_LEG_CUT) as stage:
            try:
                moved = self._mover.moved(ask.query, self._first(asks, LEADERS, ask.result), self._feedback)
                if moved is None:
                    stage.went(_seen(ask.result))
                    stage.says(Status.SKIPPED, "there is nothing to move the query toward")
                    return ask
                again.query = moved
                again.ask()
            except Exception as error:
                again.error = error
            if again.result is None:
                stage.went(_seen(ask.result))
                stage.says(Status.FALLBACK, "the first answer stands", again.error)
                ask.result.warnings += (f"the second look failed: {shorten(again.error, 200)}",)
                return ask
            stage.went(_seen(again.result))
            stage.says(Status.APPLIED, f"{ask.name} was asked again, by the query moved toward the first fused hits")
        again.milliseconds += ask.milliseconds
        return again


def _seen(result: RetrievalResult) -> Found | RetrievalResult:
    return result if result.found is None else result.found


def _checked_feedback(feedback: float | None, vector: BaseRetriever, embedding: str | None) -> float:
    able = isinstance(vector, RelevanceFeedback)
    if feedback is None:
        return FEEDBACK.get(name_of(embedding), 0.0) if able else 0.0
    if isinstance(feedback, bool) or not isinstance(feedback, (int, float)) or not 0 <= feedback < inf:
        raise OptionError("hybrid", [("feedback", f"is a number from 0 up, not {feedback!r}")])
    if feedback and not able:
        raise OptionError("hybrid", [("feedback", f"{vector.name} cannot move a query")], fix="write feedback=0")
    return float(feedback)


def with_language(embedding: str | None, language: str | None) -> str | None:
    """Return the spec of the vector leg's embedding, of a fitted one in a language that is set and that it lacks."""
    if language is None or name_of(embedding) != "lsa" or "language" in (embedding or ""):
        return embedding
    options = (embedding or "").partition("(")[2].rpartition(")")[0]
    return f"lsa({', '.join(filter(None, [options, f'language={language!r}']))})"


def default_weight(embedding: str | None) -> float:
    """Return what the vector leg counts with an embedding, named with or without its options."""
    return WEIGHTS.get(name_of(embedding), WEIGHT)


def name_of(embedding: str | None) -> str:
    """Return an embedding's name without its options; of one that was given as an object, what it calls itself."""
    found = re.match(r"(?:object:)?(\w+)", embedding or "")
    return found[1] if found else ""
