"""`FusionRetriever`: several retrievers asked side by side, one ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from math import inf
from time import perf_counter
from typing import Any, Self

from retrieverkit_core import budget
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import (
    AllLegsFailedError,
    BudgetExceededError,
    FilterError,
    MissingServiceError,
    OptionError,
    QueryError,
    shorten,
)
from retrieverkit_core.explain import Change, Sought, recording
from retrieverkit_core.found import Found
from retrieverkit_core.one_look import one_look
from retrieverkit_core.plan import Plan
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.side_by_side import in_tasks, in_threads
from retrieverkit_core.threads import offload
from retrieverkit_fusion.combining import (
    Fused,
    Listing,
    Ranking,
    best_of,
    by_id,
    by_ordinal,
    combine,
    hits_of,
    lists_of,
)
from retrieverkit_fusion.doubts import doubts
from retrieverkit_fusion.expansion import PROMPT, Expansion
from retrieverkit_fusion.legs import Ask, Leg, Listed, answer_until, ask_many, gained_by_threads, make_legs
from retrieverkit_fusion.methods import MethodName, NormalizerName, RelativeScore, method_named, refuse_unbounded
from retrieverkit_fusion.options import FusionSettings

_ROUNDS = 3
"""How often legs are asked again because the corpus changed between them; then what they said is fused by id."""

_WORTH_THREADS = 0.0003
"""Seconds by which legs must answer sooner side by side; to hand one to another thread takes about as long."""


class FusionRetriever(BaseRetriever):
    """Asks its legs side by side and fuses their answers.

    Filters and scope hold in every leg. A leg that fails or is too late makes the result partial, and ``legs`` on the
    result tells which and why; a required leg's error is raised, and that of a leg that ran out of the caller's budget
    unless `Budget.partial` settles for the others. Where the query has a timeout, legs are given up
    shortly before it, so that what the others found is in time.

    Args:
        retrievers: The legs.
        method: ``"rrf"`` fuses by ranks; ``"relative_score"`` and ``"dist_based_score"`` sum normalised scores;
            ``"simple"`` takes a node's best raw score, for legs with scores of one kind.
        weights: The weight of each leg, in any unit; None for equal weights. A leg with weight 0 is not asked.
        normalizers: For ``"relative_score"``, one for each leg: ``"minmax"``, ``"dist_based"`` or ``"none"``; the last
            is for a leg whose scores are from 0 to 1 and mean the same for every query.
        min_score: For the two methods that normalise: hits of a leg whose normalised score is less are left out; for
            all or for each.
        rrf_k: How little first ranks stand out, for ``"rrf"`` alone; 60 if None.
        top_k: How many hits a query gets that does not say.
        candidates: How many hits each leg is asked for, at least ``top_k``; for a leg with None its own number.
        timeouts: Seconds after which a leg is given up, for all or for each.
        required: Whether there is no answer without the leg, for all or for each.
        concurrency: At most this many legs run at once in one call.
        num_queries: How many queries are asked, the caller's included; the others are written by ``llm``. The
            caller's counts as much as all others together.
        llm: The language model that writes them.
        query_gen_prompt: What it is told, with ``{count}`` for the number of queries; the caller's query is a message
            of its own. It is the prompt of that name, see `get_prompts`.
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
        normalizers: Sequence[NormalizerName] | None = None,
        min_score: float | Sequence[float | None] | None = None,
        rrf_k: int | None = None,
        top_k: int = 5,
        candidates: int | Sequence[int | None] = 100,
        timeouts: float | Sequence[float | None] | None = None,
        required: bool | Sequence[bool] = False,
        concurrency: int = 8,
        num_queries: int = 1,
        llm: LanguageModel | None = None,
        query_gen_prompt: str | None = None,
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
            normalizers=normalizers,
            min_score=min_score,
            rrf_k=rrf_k,
            candidates=candidates,
            timeouts=timeouts,
            required=required,
            concurrency=concurrency,
            num_queries=num_queries,
            query_gen_prompt=query_gen_prompt,
        )
        if num_queries > 1 and llm is None:
            raise MissingServiceError(
                f"num_queries={num_queries} needs a language model and there is none",
                fix="pass llm=, or leave num_queries at 1",
            )
        self.default_top_k = top_k
        self.answers_blank = any(retriever.answers_blank for retriever in retrievers)
        self._method = method_named(method, rrf_k)
        self._take(make_legs(retrievers, settings))
        self.notes = tuple(doubts(self.legs, top_k))
        self._concurrency = concurrency
        self._gains = inf, inf  # of the last two calls: one that was held up by another program decides nothing
        self._model = llm if num_queries > 1 else None
        self._more_queries = num_queries - 1
        if self._model is not None:
            self.prompts = {"query_gen_prompt": PROMPT}
            if query_gen_prompt is not None:
                self.update_prompts(query_gen_prompt=query_gen_prompt)

    def _take(self, legs: tuple[Leg, ...]) -> None:
        self.legs = legs
        self._asked = [leg for leg in legs if leg.weight > 0]
        self._shares = self._method.shares([leg.weight for leg in self._asked])
        self.scores = self._method.scores({leg.name: leg.retriever.score_spec for leg in self._asked})
        as_they_are = [leg for leg in self._asked if leg.normalizer == "none"]
        refuse_unbounded({leg.name: leg.retriever.score_spec for leg in as_they_are})
        self._has_required = any(leg.required for leg in self._asked)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """The legs' retrievers, those with the weight 0 too."""
        return [leg.retriever for leg in self.legs]

    def _retrieve(self, query_bundle: QueryBundle) -> Found | RetrievalResult:
        until = answer_until()
        expansion = self._expansion(query_bundle)
        if expansion is not None and self._model is not None:
            expansion.ask(self._model)
        for _ in range(_ROUNDS):
            asks = self._asks(query_bundle, expansion, until)
            side_by_side = self._has_required or until is not None or min(self._gains) >= _WORTH_THREADS
            for ask in asks:
                ask.beside_others = side_by_side
            with one_look():
                in_threads(
                    [ask.ask for ask in asks], self._concurrency if side_by_side else 1, may_raise=self._has_required
                )
                self._gains = self._gains[1], gained_by_threads(asks)
                answer = self._answer(asks, expansion, query_bundle)
            if answer is not None:
                return answer
        return self._answer_by_id(asks, expansion, query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> Found | RetrievalResult:
        until = answer_until()
        expansion = self._expansion(query_bundle)
        if expansion is not None and self._model is not None:
            await expansion.aask(self._model)
        for _ in range(_ROUNDS):
            asks = self._asks(query_bundle, expansion, until)
            with one_look():
                await in_tasks([ask.aask for ask in asks], self._concurrency)
                answer = await self._aanswer(asks, expansion, query_bundle)
            if answer is not None:
                return answer
        return await offload(self._answer_by_id, asks, expansion, query_bundle)

    def _retrieve_many(self, query_bundles: Sequence[QueryBundle]) -> Sequence[Found | RetrievalResult | Exception]:
        """Ask each leg all queries at once; a query without an answer has its error in the answer's place."""
        until = answer_until()
        expansions = [self._expansion(query) for query in query_bundles]
        if self._model is not None:
            pending = [expansion for expansion in expansions if expansion is not None]
            in_threads([partial(expansion.ask, self._model) for expansion in pending], self._concurrency)
        asks = [self._asks(*each, until) for each in zip(query_bundles, expansions, strict=True)]
        by_leg = [[ask for of_query in asks for ask in of_query if ask.leg is leg] for leg in self._asked]
        replies: list[Found | RetrievalResult | Exception] = []
        with one_look():
            in_threads([partial(ask_many, of_leg) for of_leg in by_leg], self._concurrency)
            for query, of_query, expansion in zip(query_bundles, asks, expansions, strict=True):
                try:
                    answer = self._answer(of_query, expansion, query)
                    replies.append(self._retrieve(query) if answer is None else answer)
                except Exception as error:
                    replies.append(error)
        return replies

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = query_bundle if query_bundle.top_k is not None else query_bundle.replace(top_k=self.default_top_k)
        expansion = self._expansion(query)
        expands = None if expansion is None else expansion.plan()
        parts = [] if expands is None else [expands]
        parts += [self._leg_plan(leg, leg.name, query) for leg in self._asked]
        if expands is not None:
            # Generated queries are not known yet: they are taken to cost what the caller's words do.
            other = query.replace(embedding=None, custom_embedding_strs=None)
            more = [self._leg_plan(leg, leg.name, other).without_once() for leg in self._asked]
            for number in range(2, self._more_queries + 2):
                parts += [replace(plan, name=f"{plan.name}@{number}") for plan in more if plan.spends]
        return Plan(self.name, f"asks {len(self._asked)} legs and fuses what they find", parts=tuple(parts))

    def _remedies(self, sought: Sought) -> Iterable[tuple[Change, BaseRetriever]]:
        from retrieverkit_fusion.remedies import remedies

        return remedies(self, sought)

    def with_leg(self, at: int, retriever: BaseRetriever) -> Self:
        """Return a copy with another retriever in a leg's place."""
        return self._with_legs(at, retriever=retriever)

    def with_candidates(self, at: int, count: int) -> Self:
        """Return a copy with other candidates of one leg; a leg with a ``top_k`` of its own is given another one."""
        leg = self.legs[at]
        if leg.candidates is not None:
            return self._with_legs(at, candidates=count)
        retriever = copy(leg.retriever)
        retriever.default_top_k = count
        return self.with_leg(at, retriever)

    def with_share(self, at: int, share: float) -> Self:
        """Return a copy in which one leg has that share of all weight, the others' weights staying as they are."""
        return self._with_legs(at, weight=self._weight_for(at, share))

    def share_told(self, at: int, share: float) -> tuple[dict[str, Any], str]:
        """Return the options of `with_share`, and their text with ``{}`` for how the weight compares."""
        weight = self._weight_for(at, share)
        weights = [weight if place == at else leg.weight for place, leg in enumerate(self.legs)]
        return {"weights": weights}, f"weight {{}} {weight:g} of {self.legs[at].name}"

    def _weight_for(self, at: int, share: float) -> float:
        others = sum(leg.weight for place, leg in enumerate(self.legs) if place != at)
        return float(f"{share / (1 - share) * others:.4g}")

    def _with_legs(self, at: int, **changes: Any) -> Self:
        other = copy(self)
        other._observers = None
        other._method = copy(self._method)
        other._take(tuple(replace(leg, **changes) if place == at else leg for place, leg in enumerate(self.legs)))
        return other

    def _leg_plan(self, leg: Leg, name: str, query: QueryBundle) -> Plan:
        asked = Ask(leg, name, query, 1.0, None).bundle()
        return replace(leg.retriever.plan(asked), name=name)

    def _expansion(self, query: QueryBundle) -> Expansion | None:
        if self._model is None:
            return None
        return Expansion(query, self._more_queries, self.prompts["query_gen_prompt"])

    def _asks(self, query: QueryBundle, expansion: Expansion | None, until: float | None) -> list[Ask]:
        """Return what is asked: the caller's query first, then each generated one, every leg in its order."""
        if (told := recording()) is not None:
            told.restart()
        generated = () if expansion is None else expansion.queries
        shares = self._method.divided(self._shares) if generated else self._shares
        asks = [Ask(leg, leg.name, query, share, until) for leg, share in zip(self._asked, shares, strict=True)]
        for number, words in enumerate(generated, 2):
            self._say(f"query {number}: {words}")
            other = query.replace(query_str=words, embedding=None, custom_embedding_strs=None)
            asks += [
                Ask(leg, f"{leg.name}@{number}", other, share / len(generated), until, f"query {number}: {words}")
                for leg, share in zip(self._asked, shares, strict=True)
            ]
        return asks

    def _say(self, what: str) -> None:
        if self._verbose:
            print(f"{self.name}: {what}")

    # From the legs' answers to one

    def _answer(
        self, asks: Sequence[Ask], expansion: Expansion | None, query: QueryBundle
    ) -> Found | RetrievalResult | None:
        """Fuse what the legs found; None where the corpus changed between them and they must be asked again."""
        _raise_failure(asks, expansion, query)
        if _seen_two_states(asks):
            return None
        asks = self._improved(asks, query)
        if _seen_two_states(asks):
            return None
        if lists_of(_results(asks)) is None:
            return self._answer_by_id(asks, expansion, query)
        return self._answer_by_ordinal(asks, expansion, query)

    async def _aanswer(
        self, asks: Sequence[Ask], expansion: Expansion | None, query: QueryBundle
    ) -> Found | RetrievalResult | None:
        """As `_answer`; what may read nodes or ask a leg again does not block the event loop."""
        if self._improves or lists_of(_results(asks)) is None:
            return await offload(self._answer, asks, expansion, query)
        return self._answer(asks, expansion, query)

    _improves = False
    """Whether `_improved` does something."""

    def _improved(self, asks: Sequence[Ask], query: QueryBundle) -> Sequence[Ask]:
        """Return what the legs found after a second look, for a fusion that takes one."""
        return asks

    def _first(self, asks: Sequence[Ask], count: int, of: RetrievalResult) -> list[int]:
        """Return the ordinals of the first fused nodes that are in the corpus of ``of``, found there by ordinal."""
        results = _results(asks)
        if lists_of(results) is not None:
            best = best_of(self._rankings(asks, by_ordinal), self._method, count)
            return [one.key for one in best if isinstance(one.key, int)]
        fused = combine(self._rankings(asks, by_id), self._method, count)
        corpus = _corpus_of(of)
        origins = [results[one.ranking][one.row]._origin for one in fused]
        return [origin[1] for origin in origins if origin is not None and origin[0] is corpus]

    def _answer_by_ordinal(self, asks: Sequence[Ask], expansion: Expansion | None, query: QueryBundle) -> Found:
        found = lists_of(_results(asks))
        assert found is not None
        fused = self._fused(asks, by_ordinal, expansion, query)
        return Found(
            [(one.key, one.score) for one in fused if isinstance(one.key, int)],
            found[0].corpus,
            found[0].cursor,
            evidence=[one.evidence for one in fused],
            legs=self._statuses(asks, expansion),
            warnings=_warnings(asks),
            abstained=all(result.abstained for result in _results(asks)),
            disown=partial(_disown, found),
        )

    def _answer_by_id(self, asks: Sequence[Ask], expansion: Expansion | None, query: QueryBundle) -> RetrievalResult:
        for ask in asks:
            if ask.error is None:
                ask.read()
        _raise_failure(asks, expansion, query)
        results = _results(asks)
        fused = self._fused(asks, by_id, expansion, query)
        return RetrievalResult(
            hits_of(fused, results),
            legs=self._statuses(asks, expansion),
            warnings=_warnings(asks),
            abstained=all(result.abstained for result in results),
        )

    def _fused(
        self, asks: Sequence[Ask], listed: Listed, expansion: Expansion | None, query: QueryBundle
    ) -> list[Fused]:
        if (told := recording()) is None:
            return combine(self._rankings(asks, listed), self._method, query.top_k)
        from retrieverkit_fusion.explaining import tell_fused, tell_legs

        started = perf_counter()
        rankings = self._rankings(asks, listed)
        fused = combine(rankings, self._method, query.top_k)
        took = (perf_counter() - started) * 1000
        tell_legs(told, asks, [leg for leg in self.legs if leg.weight == 0], expansion)
        listings = [self._listing(ask) for ask in asks if ask.result is not None]
        tell_fused(told, rankings, listings, _results(asks), self._method, query.top_k, took)
        return fused

    def _rankings(self, asks: Sequence[Ask], listed: Listed) -> list[Ranking]:
        return [ask.ranking(listed, self._listing(ask)) for ask in asks if ask.result is not None]

    def _listing(self, ask: Ask) -> Listing:
        """Return how the answer to ``ask`` counts."""
        leg = ask.leg
        method = self._method if leg.normalizer is None else RelativeScore(leg.normalizer)
        higher_is_better = leg.retriever.score_spec.higher_is_better
        return Listing(ask.name, method, ask.share, higher_is_better, min_score=leg.min_score)

    def _statuses(self, asks: Sequence[Ask], expansion: Expansion | None) -> list[LegStatus]:
        skipped = [
            LegStatus(leg.name, LegState.SKIPPED, note="its weight is 0") for leg in self.legs if leg.weight == 0
        ]
        return [*([] if expansion is None else [expansion.status]), *(ask.status for ask in asks), *skipped]


def _results(asks: Sequence[Ask]) -> list[RetrievalResult]:
    return [ask.result for ask in asks if ask.result is not None]


def _seen_two_states(asks: Sequence[Ask]) -> bool:
    """Return whether legs over one corpus have seen two states of it: a node may be new to one and gone to another."""
    found = [result.found for result in _results(asks)]
    seen = {(id(each.corpus), each.cursor) for each in found if each is not None}
    return len(seen) > len({corpus for corpus, _ in seen})


def _corpus_of(result: RetrievalResult) -> Corpus | None:
    """Return the corpus whose ordinals a leg found, or None where it found by other means."""
    if result.found is not None:
        return result.found.corpus
    return next((hit._origin[0] for hit in result if hit._origin is not None), None)


def _disown(found: Sequence[Found], reason: str) -> None:
    for each in found:
        if each.disown is not None:
            each.disown(reason)


def _warnings(asks: Sequence[Ask]) -> tuple[str, ...]:
    return tuple(f"{ask.name}: {warning}" for ask in asks if ask.result is not None for warning in ask.result.warnings)


def _check_retrievers(retrievers: Sequence[object]) -> None:
    if not retrievers:
        raise OptionError("fusion", [("retrievers", "there is none to ask")], fix="give at least one")
    for retriever in retrievers:
        if not isinstance(retriever, BaseRetriever):
            problem = f"{shorten(repr(retriever))} is not a BaseRetriever"
            raise OptionError("fusion", [("retrievers", problem)], fix="pass retrievers, such as index.as_retriever()")


def _raise_failure(asks: Sequence[Ask], expansion: Expansion | None, query: QueryBundle) -> None:
    """Raise where there is no answer: nobody gave one, a required leg did not, or the budget was to last for all."""
    failed = [(ask, ask.error) for ask in asks if ask.error is not None]
    for ask, error in failed:
        if ask.leg.required:
            raise error
    if not _settles_for_part(query):
        more = [] if expansion is None else [expansion.status.error]
        for ran_out in [*more, *(error for _, error in failed)]:
            if isinstance(ran_out, BudgetExceededError):
                raise ran_out
    if len(failed) < len(asks):
        return
    first = failed[0][1]
    if all(isinstance(error, (FilterError, QueryError, BudgetExceededError)) for _, error in failed):
        raise first
    raise AllLegsFailedError({ask.name: error for ask, error in failed}) from first


def _settles_for_part(query: QueryBundle) -> bool:
    return budget.settles_for_part() if query.budget is None else query.budget.partial
