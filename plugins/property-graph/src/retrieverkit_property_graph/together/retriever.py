"""`PropertyGraphRetriever`: a plain retriever's first hits, then in turns what the graph leads to and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from retrieverkit_core.errors import (
    AllLegsFailedError,
    BudgetExceededError,
    FilterError,
    OptionError,
    QueryError,
    shorten,
)
from retrieverkit_core.found import Found, RawEvidence
from retrieverkit_core.plan import Plan
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.side_by_side import in_tasks, in_threads
from retrieverkit_core.threads import offload
from retrieverkit_property_graph.legs import Ask, answer_until, raise_spent
from retrieverkit_property_graph.together.merging import Key, Listing, order_of
from retrieverkit_property_graph.together.options import SCORES, TogetherSettings

CANDIDATES = 100
"""So many hits of each part are merged where there are several, at least."""

_ROUNDS = 3
"""How often legs are asked again because the corpus changed between them; then what they said is merged by id."""

_CONCURRENCY = 8


class PropertyGraphRetriever(BaseRetriever):
    """Puts the first hits of a plain retriever first; then what the graph leads to takes turns with its other hits.

    A walk in the graph finds what the query does not name, and often loses what it does: so the plain retriever keeps
    its first hits. Several parts are merged by reciprocal ranks before. The score of a hit is one over its rank; the
    evidence names the legs that found it, each with its rank and score there, and with the paths of those that walked.

    Legs are asked side by side. One that fails or is too late makes the result partial, and ``legs`` on the result
    tells which and why.

    Args:
        plain: The retriever that does not look at the graph, or None.
        parts: The retrievers that do.
        keep: So many first hits of the plain retriever stay first.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: An option has a value that cannot be, or there are no parts.
    """

    scores = SCORES
    filter_capabilities = FilterCapabilities(delegates=True)
    name = "property_graph"

    def __init__(
        self,
        plain: BaseRetriever | None,
        parts: Iterable[BaseRetriever],
        *,
        keep: int = 3,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        TogetherSettings.checked(self.name, keep=keep, top_k=top_k)
        self._plain = plain
        self._parts = tuple(parts)
        self._check()
        self._keep = keep
        self.default_top_k = top_k
        self.answers_blank = any(retriever.answers_blank for retriever in self.sub_retrievers)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """The plain retriever, if there is one, and the parts."""
        return self._parts if self._plain is None else (self._plain, *self._parts)

    def _check(self) -> None:
        if not self._parts:
            raise OptionError(self.name, [("parts", "there is none to ask")], fix="give at least one")
        for retriever in self.sub_retrievers:
            if not isinstance(retriever, BaseRetriever):
                problem = f"{shorten(repr(retriever))} is not a BaseRetriever"
                raise OptionError(self.name, [("parts", problem)], fix="pass retrievers")

    def _retrieve(self, query_bundle: QueryBundle) -> Found | RetrievalResult:
        until = answer_until()
        for _ in range(_ROUNDS):
            asks = self._asks(query_bundle, until)
            in_threads([ask.ask for ask in asks], _CONCURRENCY)
            answer = self._answer(asks, query_bundle)
            if answer is not None:
                return answer
        return self._answer_by_id(asks, query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> Found | RetrievalResult:
        until = answer_until()
        for _ in range(_ROUNDS):
            asks = self._asks(query_bundle, until)
            await in_tasks([ask.aask for ask in asks], _CONCURRENCY)
            answer = await offload(self._answer, asks, query_bundle)
            if answer is not None:
                return answer
        return await offload(self._answer_by_id, asks, query_bundle)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        top_k = self.default_top_k if query_bundle.top_k is None else query_bundle.top_k
        asks = self._asks(query_bundle.replace(top_k=top_k), None)
        parts = tuple(ask.retriever.plan(ask.bundle()) for ask in asks)
        return Plan(self.name, f"asks {len(asks)} legs and puts what they find together", parts=parts)

    def _asks(self, query: QueryBundle, until: float | None) -> list[Ask]:
        wanted = UNLIMITED if query.top_k is None else query.top_k
        of_parts = wanted if len(self._parts) == 1 else max(wanted, CANDIDATES)
        names = _distinct([retriever.name for retriever in self.sub_retrievers])
        return [
            Ask(name, retriever, query, wanted if retriever is self._plain else of_parts, until)
            for name, retriever in zip(names, self.sub_retrievers, strict=True)
        ]

    def _answer(self, asks: Sequence[Ask], query: QueryBundle) -> Found | RetrievalResult | None:
        """Put together what the legs found; None where the corpus changed between them and they must be asked again."""
        _raise_failure(asks)
        states = [ask.state for ask in asks if ask.result is not None]
        first = states[0]
        if first is None or any(state is None or state[0] is not first[0] for state in states):
            return self._answer_by_id(asks, query)
        if any(state != first for state in states):
            return None
        lists = [None if ask.result is None else Listing.by_ordinal(ask.name, ask.result) for ask in asks]
        order = self._order(lists, query)
        return Found(
            [(key, 1 / rank) for rank, key in enumerate(order, start=1) if isinstance(key, int)],
            *first,
            legs=[ask.status for ask in asks],
            warnings=tuple(warning for ask in asks for warning in ask.warnings),
            evidence=[_evidence(key, lists) for key in order],
            disown=partial(_disown, [ask.result for ask in asks if ask.result is not None]),
        )

    def _answer_by_id(self, asks: Sequence[Ask], query: QueryBundle) -> RetrievalResult:
        for ask in asks:
            if ask.error is None:
                ask.read()
        _raise_failure(asks)
        lists = [None if ask.result is None else Listing.by_id(ask.name, ask.result) for ask in asks]
        hits = {hit.node.id: hit for ask in reversed(asks) if ask.result is not None for hit in ask.result}
        order = self._order(lists, query)
        return RetrievalResult(
            [
                hits[key].with_score(1 / rank, _evidence(key, lists))
                for rank, key in enumerate(order, start=1)
                if isinstance(key, str)
            ],
            legs=[ask.status for ask in asks],
            warnings=tuple(warning for ask in asks for warning in ask.warnings),
        )

    def _order(self, lists: Sequence[Listing | None], query: QueryBundle) -> list[Key]:
        plain = None if self._plain is None else lists[0]
        parts = lists if self._plain is None else lists[1:]
        return order_of(plain, [part for part in parts if part is not None], self._keep)[: query.top_k]


def _evidence(key: Key, lists: Sequence[Listing | None]) -> RawEvidence:
    return tuple(each for listing in lists if listing is not None for each in listing.evidence_of(key))


def _disown(results: Sequence[RetrievalResult], reason: str) -> None:
    for result in results:
        if result.found is not None and result.found.disown is not None:
            result.found.disown(reason)


def _raise_failure(asks: Sequence[Ask]) -> None:
    """Raise where there is no answer: nobody gave one, or the budget was to last for all."""
    for ask in asks:
        raise_spent(ask)
    errors = {ask.name: ask.error for ask in asks if ask.error is not None}
    if len(errors) < len(asks):
        return
    first = next(iter(errors.values()))
    if all(isinstance(error, (FilterError, QueryError, BudgetExceededError)) for error in errors.values()):
        raise first
    raise AllLegsFailedError(errors) from first


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names, the second ``graph_ppr`` as ``graph_ppr#2``."""
    taken: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name}#{number}"
        taken.append(candidate)
    return taken
