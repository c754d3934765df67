"""`RouterRetriever`: one of several retrievers, chosen for each query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from retrieverkit_compose.around import check_retriever, checked, explicit
from retrieverkit_compose.by_ranks import SCORES, by_ranks
from retrieverkit_compose.legs import Leg, aask_all, ask_all, warnings_of
from retrieverkit_compose.router.choosing import (
    INSTRUCTIONS,
    ByDescription,
    ByFunction,
    ByModel,
    ByRule,
    Chooser,
    Picked,
    Route,
)
from retrieverkit_compose.router.options import By, RouterSettings
from retrieverkit_core import explain
from retrieverkit_core.errors import MissingServiceError, OptionError
from retrieverkit_core.plan import Plan
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever, NodeVectors
from retrieverkit_core.scores import UNSCORED
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload

CHOOSE = "choose"
"""The name of the prompt."""


class RouterRetriever(BaseRetriever):
    """Chooses for each query which of several retrievers is asked, or which of them are.

    The routes that were not chosen are on the result as skipped legs. Where none is chosen the answer is that of
    ``otherwise``, and says so; without one the result is abstained from. It is never that of all of them.

    Args:
        retrievers: What the routes lead to, at least two.
        names: The name of each route; those of the retrievers if None.
        by: ``"rule"``, ``"embedding"``, ``"llm"``, or a function that is given the query and returns names of routes.
        rules: For ``rule``: for each route the words and phrases that call for it, in any case.
        descriptions: For ``embedding`` and ``llm``: what is found at the end of each route.
        multi: Whether several routes may be chosen; their answers are then put together by ranks.
        otherwise: The route that is taken where none is chosen.
        vectors: For ``embedding``: who compares vectors, such as ``index.as_retriever("vector")``.
        llm: For ``llm``: the language model.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: There is nothing to choose, or a setting is wrong.
        MissingServiceError: What chooses is not there.
    """

    filter_capabilities = FilterCapabilities(delegates=True)
    name = "router"

    def __init__(
        self,
        retrievers: Iterable[BaseRetriever],
        *,
        names: Sequence[str] | None = None,
        by: By | Callable[[QueryBundle], Iterable[str]] = "rule",
        rules: Sequence[Sequence[str]] | None = None,
        descriptions: Sequence[str] | None = None,
        multi: bool = False,
        otherwise: str | None = None,
        vectors: NodeVectors | None = None,
        llm: LanguageModel | None = None,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self._routes = list(retrievers)
        for retriever in self._routes:
            check_retriever(self.name, "retrievers", retriever)
        self.route_names = tuple(names) if names is not None else tuple(each.name for each in self._routes)
        given = {"names": names, "rules": rules, "descriptions": descriptions}
        settings = checked(
            self.name,
            RouterSettings,
            {
                **given,
                "by": by if isinstance(by, str) else "rule",
                "multi": multi,
                "otherwise": otherwise,
                "top_k": top_k,
            },
        )
        if callable(by):
            settings = settings.model_copy(update={"rules": [["-"]] * len(self._routes)})
        problems = settings.fitting(self.route_names)
        if problems:
            raise OptionError(self.name, [("", problem) for problem in problems])
        self._chooser = _chooser(by, settings, self.route_names, vectors, llm)
        self._multi = settings.multi
        self._otherwise = None if otherwise is None else self.route_names.index(otherwise)
        self.default_top_k = settings.top_k
        self.answers_blank = any(each.answers_blank for each in self._routes)
        specs = {each.score_spec for each in self._routes}
        self.scores = SCORES if multi else specs.pop() if len(specs) == 1 else UNSCORED
        if isinstance(self._chooser, ByModel):
            assert llm is not None
            self.prompts = {CHOOSE: INSTRUCTIONS}
            self.notes = (f"model: {llm.name}",)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """What the routes lead to."""
        return self._routes

    def update_prompts(self, **prompts: str) -> None:
        """Change what the model is told, see `BaseRetriever.update_prompts`."""
        super().update_prompts(**prompts)
        if isinstance(self._chooser, ByModel):
            self._chooser.instructions = self.prompts[CHOOSE]

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        picked = self._taken(self._chooser.choose(query_bundle))
        legs = self._legs(picked, query_bundle)
        ask_all(legs)
        return self._answer(legs, picked, query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        picked = self._taken(await self._chooser.achoose(query_bundle))
        legs = self._legs(picked, query_bundle)
        await aask_all(legs)
        return await offload(self._answer, legs, picked, query_bundle)

    def _taken(self, picked: Picked) -> Picked:
        """Return the routes that are taken: the best, all if several may be, or that for where there is none."""
        routes = list(picked.routes if self._multi else picked.routes[:1])
        if not routes and self._otherwise is not None:
            routes = [Route(self._otherwise, "no route was chosen")]
        return Picked(routes, picked.warnings)

    def _legs(self, picked: Picked, query: QueryBundle) -> list[Leg]:
        asked = explicit(query)
        return [Leg(self.route_names[at], self._routes[at], asked, why) for at, why in picked.routes]

    def _answer(self, legs: Sequence[Leg], picked: Picked, query: QueryBundle) -> RetrievalResult:
        results = [(leg, leg.result) for leg in legs if leg.result is not None]
        taken = {leg.name for leg in legs}
        skipped = [
            LegStatus(name, LegState.SKIPPED, note="not chosen") for name in self.route_names if name not in taken
        ]
        told = explain.recording()
        if told is not None:
            for leg in skipped:
                told.skipped(leg.name, leg.note)
        if self._multi:
            hits = by_ranks([(leg.name, leg.retriever.name, result) for leg, result in results], query.top_k)
        else:
            hits = list(results[0][1]) if results else []
        return RetrievalResult(
            hits,
            legs=[*(leg.status for leg in legs), *skipped],
            warnings=(*picked.warnings, *warnings_of(legs)),
            notes=(self._note(picked),),
            abstained=not legs or all(result.abstained for _, result in results),
        )

    def _note(self, picked: Picked) -> str:
        told = [f"{self.route_names[at]} ({why})" for at, why in picked.routes]
        return f"route: {', '.join(told)}" if told else "no route was chosen"

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        """Return what choosing costs, and the routes: that which words call for, else the dearest; all if several."""
        choosing = self._chooser.plan(self.name, query_bundle)
        if isinstance(self._chooser, ByRule):
            wanted = [at for at, _ in self._taken(self._chooser.choose(query_bundle)).routes]
        else:
            wanted = list(range(len(self._routes)))
        query = query_bundle if query_bundle.top_k is not None else query_bundle.replace(top_k=self.default_top_k)
        plans = [replace(self._routes[at].plan(query), name=self.route_names[at]) for at in wanted]
        if not self._multi and len(plans) > 1:
            dearest = max(plans, key=_cost)
            plans = [replace(dearest, does=f"{dearest.does} (the dearest of {len(plans)} routes; one is taken)")]
        return replace(choosing, parts=(*choosing.parts, *plans))


def _cost(plan: Plan) -> tuple[bool, int, int]:
    return (not plan.complete, plan.total("llm_calls") + plan.total("embedding_calls"), plan.total("tokens"))


def _chooser(
    by: By | Callable[[QueryBundle], Iterable[str]],
    settings: RouterSettings,
    names: Sequence[str],
    vectors: NodeVectors | None,
    llm: LanguageModel | None,
) -> Chooser:
    if callable(by):
        return ByFunction(by, names)
    if by == "rule":
        return ByRule(settings.rules or ())
    described = settings.descriptions or ()
    if by == "embedding":
        if vectors is None:
            raise MissingServiceError(
                "a router by 'embedding' compares vectors", fix="pass vectors=index.as_retriever('vector')"
            )
        return ByDescription(vectors, described)
    if llm is None:
        raise MissingServiceError("a router by 'llm' needs a language model and there is none", fix="pass llm=")
    return ByModel(llm, [f"{name}: {text}" for name, text in zip(names, described, strict=True)])
