"""`FusionRetriever`: several retrievers asked side by side, one ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from retrieverkit_core.errors import (
    AllLegsFailedError,
    FilterError,
    MissingServiceError,
    OptionError,
    QueryError,
    shorten,
)
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload
from retrieverkit_fusion.combining import Ranking, combine
from retrieverkit_fusion.expansion import Expansion
from retrieverkit_fusion.legs import Ask, answer_until, ask_many, make_legs
from retrieverkit_fusion.methods import MethodName, method_named
from retrieverkit_fusion.options import FusionSettings
from retrieverkit_fusion.running import in_tasks, in_threads
from retrieverkit_indexing.derived import LateNodes


class FusionRetriever(BaseRetriever):
    """Asks its legs side by side and fuses their answers.

    Filters and scope hold in every leg. A leg that fails or is too late makes the result partial, and ``legs`` on the
    result tells which and why; a required leg's error is raised. Where the query has a timeout, legs are given up
    shortly before it, so that what the others found is in time.

    Args:
        retrievers: The legs.
        method: ``"rrf"`` fuses by ranks; ``"relative_score"`` and ``"dist_based_score"`` sum normalised scores;
            ``"simple"`` takes a node's best raw score, for legs with scores of one kind.
        weights: What each leg counts, in any unit; None for equal weights. A leg with the weight 0 is not asked.
        rrf_k: How little first ranks stand out, for ``"rrf"`` alone; 60 if None.
        top_k: How many hits a query gets that does not say.
        candidates: How many hits each leg is asked for, at least ``top_k``; for a leg with None its own number.
        timeouts: Seconds after which a leg is given up, for all or for each.
        required: Whether there is no answer without the leg, for all or for each.
        concurrency: At most so many legs run at once in one call.
        num_queries: How many queries are asked, the caller's included; the others are written by ``llm``. The
            caller's counts as much as all others together.
        llm: The language model that writes them.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting has the wrong value or the wrong length.
        ScoreMismatchError: The method cannot join the legs' scores.
        MissingServiceError: More than one query is asked for and there is no language model.
    """

    filter_capabilities = FilterCapabilities(delegates=True)
    name = "fusion"

    def __init__(
        self,
        retrievers: Iterable[BaseRetriever],
        *,
        method: MethodName = "rrf",
        weights: Sequence[float] | None = None,
        rrf_k: int | None = None,
        top_k: int = 5,
        candidates: int | Sequence[int | None] = 100,
        timeouts: float | Sequence[float | None] | None = None,
        required: bool | Sequence[bool] = False,
        concurrency: int = 8,
        num_queries: int = 1,
        llm: LanguageModel | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        retrievers = list(retrievers)
        _check_retrievers(retrievers)
        settings = FusionSettings.checked(
            len(retrievers),
            top_k=top_k,
            method=method,
            weights=weights,
            rrf_k=rrf_k,
            candidates=candidates,
            timeouts=timeouts,
            required=required,
            concurrency=concurrency,
            num_queries=num_queries,
        )
        if num_queries > 1 and llm is None:
            raise MissingServiceError(
                f"num_queries={num_queries} needs a language model and there is none",
                fix="pass llm=, or leave num_queries at 1",
            )
        self.default_top_k = top_k
        self.answers_blank = any(retriever.answers_blank for retriever in retrievers)
        self.legs = make_legs(retrievers, settings)
        self._asked = [leg for leg in self.legs if leg.weight > 0]
        self._retrievers = [leg.retriever for leg in self._asked]
        self._late = LateNodes(self._retrievers) if LateNodes.possible(self._retrievers) else None
        self._method = method_named(method, rrf_k)
        self._shares = self._method.shares([leg.weight for leg in self._asked])
        self.scores = self._method.scores({leg.name: leg.retriever.scores for leg in self._asked})
        self._has_required = any(leg.required for leg in self._asked)
        self._concurrency = concurrency
        self._model = llm if num_queries > 1 else None
        self._more_queries = num_queries - 1

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        until = answer_until()
        expansion = self._expansion(query_bundle)
        if expansion is not None and self._model is not None:
            expansion.ask(self._model)
        late = self._late
        if late is not None and (since := late.begin(query_bundle)) is not None:
            asks = self._asks(query_bundle, expansion, until, late.stand_ins)
            self._ask_all(asks)
            result = self._answer(asks, expansion, query_bundle.top_k)
            if late.fetch(result, since):
                return result
        asks = self._asks(query_bundle, expansion, until, self._retrievers)
        self._ask_all(asks)
        return self._answer(asks, expansion, query_bundle.top_k)

    def _ask_all(self, asks: Sequence[Ask]) -> None:
        in_threads([ask.ask for ask in asks], self._concurrency, may_raise=self._has_required)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        until = answer_until()
        expansion = self._expansion(query_bundle)
        if expansion is not None and self._model is not None:
            await expansion.aask(self._model)
        late = self._late
        if late is not None and (since := await offload(late.begin, query_bundle)) is not None:
            asks = self._asks(query_bundle, expansion, until, late.stand_ins)
            await in_tasks([ask.aask for ask in asks], self._concurrency)
            result = self._answer(asks, expansion, query_bundle.top_k)
            if await offload(late.fetch, result, since):
                return result
        asks = self._asks(query_bundle, expansion, until, self._retrievers)
        await in_tasks([ask.aask for ask in asks], self._concurrency)
        return self._answer(asks, expansion, query_bundle.top_k)

    def _retrieve_many(self, query_bundles: Sequence[QueryBundle]) -> Sequence[RetrievalResult | Exception]:
        """Ask each leg all queries at once; a query without an answer has its error in the result's place."""
        until = answer_until()
        expansions = [self._expansion(query) for query in query_bundles]
        if self._model is not None:
            pending = [expansion for expansion in expansions if expansion is not None]
            in_threads([partial(expansion.ask, self._model) for expansion in pending], self._concurrency)
        asks = [self._asks(*each, until, self._retrievers) for each in zip(query_bundles, expansions, strict=True)]
        by_leg = [[ask for of_query in asks for ask in of_query if ask.leg is leg] for leg in self._asked]
        in_threads([partial(ask_many, of_leg) for of_leg in by_leg], self._concurrency)
        replies: list[RetrievalResult | Exception] = []
        for query, of_query, expansion in zip(query_bundles, asks, expansions, strict=True):
            try:
                replies.append(self._answer(of_query, expansion, query.top_k))
            except Exception as error:
                replies.append(error)
        return replies

    def _expansion(self, query: QueryBundle) -> Expansion | None:
        return None if self._model is None else Expansion(query, self._more_queries)

    def _asks(
        self,
        query: QueryBundle,
        expansion: Expansion | None,
        until: float | None,
        retrievers: Sequence[BaseRetriever],
    ) -> list[Ask]:
        """Return what is asked: the caller's query first, then each generated one, every leg in its order."""
        asked = list(zip(self._asked, retrievers, self._shares, strict=True))
        asks = [Ask(leg, retriever, leg.name, query, share, until) for leg, retriever, share in asked]
        generated = () if expansion is None else expansion.queries
        for number, words in enumerate(generated, 2):
            other = query.replace(query_str=words, embedding=None, custom_embedding_strs=None)
            note = f"query {number}: {words}"
            asks += [
                Ask(leg, retriever, f"{leg.name}@{number}", other, share / len(generated), until, note)
                for leg, retriever, share in asked
            ]
        return asks

    def _answer(self, asks: Sequence[Ask], expansion: Expansion | None, top_k: int | None) -> RetrievalResult:
        _raise_failure(asks)
        answered = [(ask, ask.result) for ask in asks if ask.result is not None]
        rankings = [
            Ranking(ask.name, result.retriever, result, ask.share, ask.leg.retriever.scores.higher_is_better)
            for ask, result in answered
        ]
        skipped = [
            LegStatus(leg.name, LegState.SKIPPED, note="its weight is 0") for leg in self.legs if leg.weight == 0
        ]
        return RetrievalResult(
            combine(rankings, self._method, top_k),
            legs=[*([] if expansion is None else [expansion.status]), *(ask.status for ask in asks), *skipped],
            warnings=tuple(f"{ask.name}: {warning}" for ask, result in answered for warning in result.warnings),
            abstained=all(result.abstained for _, result in answered),
        )


def _check_retrievers(retrievers: Sequence[object]) -> None:
    if not retrievers:
        raise OptionError("fusion", [("retrievers", "there is none to ask")], fix="give at least one")
    for retriever in retrievers:
        if not isinstance(retriever, BaseRetriever):
            problem = f"{shorten(repr(retriever))} is no BaseRetriever"
            raise OptionError("fusion", [("retrievers", problem)], fix="pass retrievers, such as index.as_retriever()")


def _raise_failure(asks: Sequence[Ask]) -> None:
    """Raise a required leg's error, or that nothing answered; what is wrong with the query is raised as it is."""
    failed = [(ask, ask.error) for ask in asks if ask.error is not None]
    for ask, error in failed:
        if ask.leg.required:
            raise error
    if len(failed) < len(asks):
        return
    first = failed[0][1]
    if all(isinstance(error, (FilterError, QueryError)) for _, error in failed):
        raise first
    raise AllLegsFailedError({ask.name: error for ask, error in failed}) from first
