"""Judging by a language model, which is shown the hits under random labels and grades those that help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrieverkit_compose.rerank.judging import Judged
from retrieverkit_compose.words import words_of
from retrieverkit_core.choosing import INSTRUCTIONS, Choices, achoose, choose, cost_of
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import MetadataMode
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload

TYPICAL_CHARS = 1_200
"""How long a plan takes a hit to be, before anybody knows which there are."""


class ByModel:
    """Orders hits by a language model's grades from 1 to 10; of one grade the order stays. What it leaves out goes.

    Args:
        model: The model.
        batch_size: How many hits it is shown at once.

    Attributes:
        name: The retriever's name, for the legs of batches that failed.
        instructions: What the model is told.
    """

    scores = ScoreSpec(ScoreKind.RELEVANCE, lower_bound=1.0, upper_bound=10.0)
    shows = True

    def __init__(self, model: LanguageModel, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self.note = f"model: {model.name}"
        self.name = "rerank"
        self.instructions = INSTRUCTIONS

    def judge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """Return the order of the hits that the model finds relevant.

        Raises:
            QueryError: The query has no words.
            RetrieverKitError: No hit was judged.
        """
        return self._judged(choose(self._model, words_of(query), _shown(hits), **self._how()), len(hits))

    async def ajudge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """As `judge`, without blocking the event loop while the model is asked."""
        words, texts = words_of(query), await offload(_shown, hits)
        choices = await achoose(self._model, words, texts, **self._how())
        return await offload(self._judged, choices, len(hits))

    def plan(self, name: str, query: QueryBundle, inner: BaseRetriever, candidates: int) -> Plan:
        """Return what it costs to judge that many hits of usual length."""
        does = f"asks {self._model.name} about up to {candidates} hits, {self._batch_size} at a time"
        cost = cost_of(query.query_str, ["x" * TYPICAL_CHARS] * candidates, **self._how())
        return Plan(name, does, llm_calls=cost.llm_calls, tokens=cost.tokens)

    def _how(self) -> dict[str, Any]:
        return {"instructions": self.instructions.format(), "batch_size": self._batch_size}

    def _judged(self, choices: Choices, count: int) -> Judged:
        left_out = count - len(choices.chosen) - sum(len(failed.positions) for failed in choices.failed)
        notes = [f"the model left out {left_out} of {count} hits: they do not help"] if left_out else []
        order = [(one.position, one.grade) for one in choices.chosen]
        return Judged(order, choices.legs(self.name), choices.warnings(self.name), notes)


def _shown(hits: Sequence[NodeWithScore]) -> list[str]:
    return [hit.get_content(MetadataMode.LLM) for hit in hits]
