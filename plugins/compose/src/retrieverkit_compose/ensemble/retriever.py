"""`EnsembleRetriever`: the same documents in several sizes, one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retrieverkit_compose.around import Around, checked
from retrieverkit_compose.by_ranks import SCORES, by_ranks
from retrieverkit_compose.ensemble.options import EnsembleSettings
from retrieverkit_compose.legs import Leg, aask_all, ask_all, warnings_of
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import ConfigError, OptionError
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_core.threads import offload

_USUAL, _MOST = 3, 6
"""How many cuttings the splitter ``hierarchical`` makes by itself, and how many at most."""

LEVEL, TOP = "node_level", "node_top"
"""The metadata fields by which the splitter ``hierarchical`` says in which cuttings a node is."""


class EnsembleRetriever(Around):
    """Asks a retriever for each cutting of the documents by itself, and puts the answers together by ranks.

    Small pieces find an exact statement, large ones what it is about; each cutting holds all of the text once. The
    documents of the index are cut by the splitter ``hierarchical``.

    Args:
        retriever: Who searches each cutting.
        corpus: What it searches.
        levels: The cuttings; 0 is that of the smallest pieces. The three smallest that there are if None.
        candidates: How many hits of each cutting are asked for; None leaves it to ``retriever``.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
        ConfigError: The documents are cut in another way.
    """

    scores = SCORES
    name = "ensemble"

    def __init__(
        self,
        retriever: BaseRetriever,
        corpus: Corpus,
        *,
        levels: Sequence[int] | None = None,
        candidates: int | None = 50,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        given: dict[str, Any] = {"top_k": top_k} | ({} if levels is None else {"levels": levels})
        given |= {} if candidates is None else {"candidates": candidates}
        settings = checked(self.name, EnsembleSettings, given)
        if LEVEL not in corpus.fields() and _holds_nodes(corpus):
            raise ConfigError(
                "ensemble needs documents that are cut in several sizes, and those of this index are not",
                fix="make another: Index.create(path, splitter='hierarchical'), or "
                "retriever index PATH --index NEW --splitter hierarchical",
            )
        cuttings = _cuttings(corpus.settings.splitter)
        beyond = [level for level in settings.levels if level >= cuttings]
        if beyond and levels is not None:
            problem = f"the index has {cuttings} cuttings, 0 to {cuttings - 1}, and none of {beyond}"
            raise OptionError(self.name, [("levels", problem)], fix="leave levels out for all of them")
        self._levels = [level for level in settings.levels if level < cuttings]
        self._candidates = candidates
        self.default_top_k = settings.top_k

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        legs = self._legs(query_bundle)
        ask_all(legs)
        return self._answer(legs, query_bundle.top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        legs = self._legs(query_bundle)
        await aask_all(legs)
        return await offload(self._answer, legs, query_bundle.top_k)

    def _legs(self, query: QueryBundle) -> list[Leg]:
        wanted = self._candidates
        if wanted is not None:
            wanted = max(wanted, UNLIMITED if query.top_k is None else query.top_k)
        return [
            Leg(
                f"{self.retriever.name}, level {level}",
                self.retriever,
                query.replace(top_k=wanted, filters=MetadataFilters.and_(query.filters, of_level(level))),
            )
            for level in self._levels
        ]

    def _answer(self, legs: Sequence[Leg], top_k: int | None) -> RetrievalResult:
        results = [(leg.name, leg.retriever.name, leg.result) for leg in legs if leg.result is not None]
        return RetrievalResult(
            by_ranks(results, top_k),
            legs=[leg.status for leg in legs],
            warnings=warnings_of(legs),
            abstained=all(result.abstained for _, _, result in results),
        )

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        legs = self._legs(self._limited(query_bundle))
        parts = tuple(replace(leg.retriever.plan(leg.query), name=leg.name) for leg in legs)
        return Plan(self.name, f"asks for {len(legs)} cuttings of the documents", parts=parts)


def _cuttings(splitter: str) -> int:
    """Return how many cuttings there are, as far as the index's splitter says so."""
    sizes = RetrieverSpec.parse(splitter).options.get("sizes") if splitter else None
    if isinstance(sizes, (list, tuple)):
        return len(sizes)
    return _USUAL if splitter == "hierarchical" else _MOST


def _holds_nodes(corpus: Corpus) -> bool:
    with corpus.snapshot() as view:
        return view.count() > 0


def of_level(level: int) -> MetadataFilters:
    """Return the filter for the nodes of one cutting."""
    lowest = MetadataFilter(key=LEVEL, operator=FilterOperator.LTE, value=level)
    highest = MetadataFilter(key=TOP, operator=FilterOperator.GTE, value=level)
    within = MetadataFilters(filters=[lowest, highest])
    whole = MetadataFilter(key=LEVEL, operator=FilterOperator.IS_EMPTY)  # what no splitter has cut is in every cutting
    return MetadataFilters(filters=[within, whole], condition=FilterCondition.OR)
