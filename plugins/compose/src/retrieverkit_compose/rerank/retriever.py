"""`RerankRetriever`: another order for what a retriever found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from retrieverkit_compose.around import Around, check_enough, checked, evidence_of
from retrieverkit_compose.rerank.by_model import ByModel
from retrieverkit_compose.rerank.by_reranker import ByReranker
from retrieverkit_compose.rerank.by_vectors import ByVectors, vectors_within
from retrieverkit_compose.rerank.judging import Judge, Judged
from retrieverkit_compose.rerank.options import RerankSettings
from retrieverkit_core import explain
from retrieverkit_core.choosing import INSTRUCTIONS
from retrieverkit_core.errors import MissingServiceError, OptionError
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever, NodeVectors
from retrieverkit_core.services import LanguageModel, Reranker
from retrieverkit_core.threads import offload

CHOOSE = "choose"
"""The name of the prompt."""


class RerankRetriever(Around):
    """Asks a retriever for candidates, puts all of them into another order, and returns the first.

    The scores are the reranker's; rank and score in the retriever within are evidence. A reranker that fails is an
    error, and one that judged a part a partial result: the order of the retriever within never stands in for it.

    Args:
        retriever: The retriever that finds the hits.
        by: ``"mmr"``, ``"embedding"``, ``"llm"``, or a `Reranker`.
        top_n: How many hits a query gets that does not say; ``top_k`` if None.
        candidates: How many hits are asked for and put into order; None leaves it to ``retriever``. A model is never
            shown more, whatever ``top_k`` a query has.
        vectors: For ``mmr`` and ``embedding``: who compares vectors, such as ``index.as_retriever("vector")``; the
            first in ``retriever`` that does if None.
        mmr_lambda: For ``mmr``: 1 weighs nearness alone, 0 difference from the hits before.
        llm: For ``llm``: the language model.
        batch_size: For ``llm``: how many hits the model is shown at once.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
        MissingServiceError: What puts the hits into order is not there.
    """

    name = "rerank"

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        by: str | Reranker = "mmr",
        top_n: int | None = None,
        candidates: int | None = 50,
        vectors: NodeVectors | None = None,
        mmr_lambda: float = 0.5,
        llm: LanguageModel | None = None,
        batch_size: int = 10,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        given: dict[str, Any] = {"top_k": top_k} if top_n is None else {"top_n": top_n}
        if candidates is not None:
            given["candidates"] = candidates
        if by == "mmr":
            given["mmr_lambda"] = mmr_lambda
        if by == "llm":
            given["batch_size"] = batch_size
        settings = checked(self.name, RerankSettings, {**given, "by": by if isinstance(by, str) else "reranker"})
        self._judge = _judge(by, settings, vectors or vectors_within(retriever, None), llm)
        check_enough(self.name, retriever, candidates, settings.kept)
        self._candidates = candidates
        self.default_top_k = settings.kept
        self.scores = self._judge.scores
        self.asks_model = self._judge.shows
        self.notes = tuple(filter(None, [self._judge.note]))
        if isinstance(self._judge, ByModel):
            self.prompts = {CHOOSE: INSTRUCTIONS}

    def update_prompts(self, **prompts: str) -> None:
        """Change what the model is told, see `BaseRetriever.update_prompts`."""
        super().update_prompts(**prompts)
        if isinstance(self._judge, ByModel):
            self._judge.instructions = self.prompts[CHOOSE]

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        found = self.retriever.retrieve(self._asked(query_bundle))
        judged = self._judge.judge(query_bundle, found) if found else Judged([])
        return self._reordered(found, judged, query_bundle.top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        found = await self.retriever.aretrieve(self._asked(query_bundle))
        judged = await self._judge.ajudge(query_bundle, found) if found else Judged([])
        return await offload(self._reordered, found, judged, query_bundle.top_k)

    def _asked(self, query: QueryBundle) -> QueryBundle:
        """Return what the retriever within is asked: for all candidates."""
        wanted = self._candidates
        if wanted is not None and not self.asks_model:
            wanted = max(wanted, UNLIMITED if query.top_k is None else query.top_k)
        return query.replace(top_k=wanted)

    def _reordered(self, found: RetrievalResult, judged: Judged, top_k: int | None) -> RetrievalResult:
        legs = [evidence_of(hit, self.retriever.name, rank) for rank, hit in enumerate(found, 1)]
        with explain.stage(self.name, came=found) as stage:
            ranked = [found[place].with_score(score, legs[place]) for place, score in judged.order]
            hits = ranked[:top_k]
            stage.went(hits, below=ranked[len(hits) :])
        notes = [*judged.notes, *self._too_few(found, top_k)]
        return self._made(hits, found, legs=judged.legs, warnings=judged.warnings, notes=notes)

    def _too_few(self, found: RetrievalResult, top_k: int | None) -> list[str]:
        """Return what to say where a query wants more hits than were asked for, and there may be more.

        What a model judges is cut behind it, so that it is not known here how many are wanted.
        """
        asked = self._candidates or self.retriever.default_top_k
        if asked is None or top_k is None or not asked <= len(found) < top_k:
            return []
        return [f"{asked} candidates were asked for and put into order; there may be more"]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        asked = self._asked(self._limited(query_bundle))
        candidates = asked.top_k or self.retriever.default_top_k or 0
        judging = self._judge.plan(self.name, query_bundle, self.retriever, candidates)
        return replace(judging, parts=(self.retriever.plan(asked), *judging.parts))


def _judge(
    by: str | Reranker, settings: RerankSettings, vectors: NodeVectors | None, llm: LanguageModel | None
) -> Judge:
    if not isinstance(by, str):
        return ByReranker(by)
    if by in ("mmr", "embedding"):
        if vectors is None:
            raise MissingServiceError(
                f"rerank by {by!r} compares vectors, and the retriever within has none",
                fix="pass vectors=index.as_retriever('vector')",
            )
        return ByVectors(vectors, settings.mmr_lambda if by == "mmr" else None)
    if by == "llm":
        if llm is None:
            raise MissingServiceError("rerank by 'llm' needs a language model and there is none", fix="pass llm=")
        return ByModel(llm, settings.batch_size)
    raise OptionError("rerank", [("by", f"{by!r} is not known")], fix="write mmr, embedding or llm, or pass a Reranker")
