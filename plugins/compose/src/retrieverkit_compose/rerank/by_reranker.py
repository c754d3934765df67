"""Judging by a reranking model, here or behind an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from retrieverkit_compose.rerank.by_model import TYPICAL_CHARS
from retrieverkit_compose.rerank.judging import Judged
from retrieverkit_compose.words import words_of
from retrieverkit_core.errors import ModelAnswerError
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import MetadataMode
from retrieverkit_core.plan import Plan, tokens_of
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.services import Reranker
from retrieverkit_core.threads import offload


class ByReranker:
    """Orders hits by the scores of a reranking model; of one score the order stays.

    Args:
        reranker: The model.
    """

    scores = ScoreSpec(ScoreKind.RELEVANCE)
    shows = True

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self.note = f"reranker: {reranker.name}"

    def judge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """Return the order of all hits.

        Raises:
            QueryError: The query has no words.
            ServiceError: The model cannot answer.
            ModelAnswerError: It does not answer with one number for each text.
        """
        texts = _shown(hits)
        return self._judged(self._reranker.rerank(words_of(query), texts), len(texts))

    async def ajudge(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Judged:
        """As `judge`, without blocking the event loop while the model is asked."""
        words, texts = words_of(query), await offload(_shown, hits)
        scores = await self._reranker.arerank(words, texts)
        return await offload(self._judged, scores, len(texts))

    def plan(self, name: str, query: QueryBundle, inner: BaseRetriever, candidates: int) -> Plan:
        """Return what it costs to judge that many hits of usual length."""
        calls = self._reranker.calls_for(candidates)
        tokens = calls * tokens_of(query.query_str) + candidates * tokens_of("x" * TYPICAL_CHARS) if calls else 0
        return Plan(name, f"asks {self._reranker.name} about up to {candidates} hits", llm_calls=calls, tokens=tokens)

    def _judged(self, scores: Sequence[float], count: int) -> Judged:
        try:
            known = [float(score) for score in scores]
        except (TypeError, ValueError, OverflowError):
            known = None
        if known is None or len(known) != count or not all(map(isfinite, known)):
            said = (
                f"{len(known)} scores"
                if known is not None and len(known) != count
                else "a score that is not a finite number"
            )
            raise ModelAnswerError(f"{self._reranker.name} was given {count} texts and answered with {said}")
        return Judged([(at, known[at]) for at in sorted(range(count), key=lambda at: -known[at])])


def _shown(hits: Sequence[NodeWithScore]) -> list[str]:
    return [hit.get_content(MetadataMode.LLM) for hit in hits]
