"""Hybrid among 2,000 documents, and what a scope, a filter or an observer adds."""

import hybrid_search
from contest import OURS, Promise
from hybrid_search import Hybrid

TITLE = "Hybrid, k=10, 2,000 documents: plain, under a scope, under a filter, observed"
UNIT = "ms"
DISTRIBUTIONS = hybrid_search.DISTRIBUTIONS
BUILDS = False
AGREEMENT_WITH = None
MOST = 1.5
ADDED = ("under a scope", "under a filter", "under both", "observed")
PROMISES = tuple(Promise(OURS, MOST, of=name) for name in ADDED)
prepare = hybrid_search.prepare(2_000)


class Limited(Hybrid):
    """Asks with a scope that lets through three quarters, or a filter that lets through nine tenths."""

    limits: dict[str, str] = {}

    def build(self) -> None:
        from retrieverkit_core import MetadataFilters, QueryBundle

        super().build()
        limits = {name: MetadataFilters.parse(text) for name, text in self.limits.items()}
        self.queries = [QueryBundle(query, **limits) for query in self.queries]


class UnderScope(Limited):
    limits = {"scope": "tenant != 't0'"}


class UnderFilter(Limited):
    limits = {"filters": "year >= 1957"}


class UnderBoth(Limited):
    limits = {**UnderScope.limits, **UnderFilter.limits}


class Observed(Hybrid):
    def build(self) -> None:
        from retrieverkit_core import Observers, hookimpl

        class Counter:
            found = 0

            @hookimpl
            def on_retrieve_end(self, result):
                self.found += 0 if result is None else len(result)

        super().build()
        self.retriever = self.index.as_retriever(self.mode, top_k=self.top_k, hooks=Observers.of(Counter()))


CONTENDERS = dict(zip((OURS, *ADDED), (Hybrid, UnderScope, UnderFilter, UnderBoth, Observed), strict=True))
