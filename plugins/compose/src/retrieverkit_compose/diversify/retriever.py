"""`DiversifyRetriever`: not too many hits of one kind."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from retrieverkit_compose.around import Around, checked, explicit
from retrieverkit_compose.diversify.options import DiversifySettings
from retrieverkit_core import explain
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import offload

_GROWTH = 4


class DiversifyRetriever(Around):
    """Leaves of the hits of each document, or of each value of a metadata field, only the first.

    What is left out makes room: more hits are asked for until there are enough, or no more. A hit without a value is of
    no kind, and stays. A note says how many were left out.

    Args:
        retriever: The retriever that finds the hits.
        field: The metadata field that says of what kind a hit is; the document if None.
        most: At most this many hits of one kind.
        candidates: How many hits are asked for at first.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
    """

    name = "diversify"

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        field: str | None = None,
        most: int = 1,
        candidates: int = 50,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        given = {"field": field, "most": most, "candidates": candidates, "top_k": top_k}
        settings = checked(self.name, DiversifySettings, given)
        self._field, self._most, self._candidates = settings.field, settings.most, settings.candidates
        self.default_top_k = settings.top_k
        self.scores = retriever.score_spec

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        wanted = self._first(query_bundle)
        while True:
            found = self.retriever.retrieve(query_bundle.replace(top_k=wanted))
            answer = self._kept(query_bundle, found, wanted)
            if answer is not None:
                return answer
            wanted = min(wanted * _GROWTH, UNLIMITED)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        wanted = self._first(query_bundle)
        while True:
            found = await self.retriever.aretrieve(query_bundle.replace(top_k=wanted))
            answer = await offload(self._kept, query_bundle, found, wanted)
            if answer is not None:
                return answer
            wanted = min(wanted * _GROWTH, UNLIMITED)

    def _first(self, query: QueryBundle) -> int:
        """Return how many hits are asked for at first: all where a model works for them, which would be paid again."""
        return UNLIMITED if _pays(self.retriever) else max(self._candidates, explicit(query).top_k or 0)

    def _kept(self, query: QueryBundle, found: RetrievalResult, wanted: int) -> RetrievalResult | None:
        """Return the hits that stay; None where there are too few and more can be found."""
        seen: Counter[str] = Counter()
        hits = []
        for hit in found:
            kind = self._kind(hit)
            seen[kind] += bool(kind)
            if seen[kind] <= self._most:
                hits.append(hit)
        enough = query.top_k is not None and len(hits) >= query.top_k
        if not enough and wanted < UNLIMITED and len(found) >= wanted:
            return None
        kept = hits[: query.top_k]
        with explain.stage(self.name, came=found) as stage:
            stage.went(kept, below=hits[len(kept) :])
        left_out = len(found) - len(hits)
        what = "document" if self._field is None else f"value of {self._field!r}"
        notes = (
            [f"{left_out} of {len(found)} hits were left out: at most {self._most} of each {what}"] if left_out else []
        )
        return self._made(kept, found, notes=notes, warnings=self._unknown(found))

    def _unknown(self, found: RetrievalResult) -> list[str]:
        """Return what to say where no hit has the field: its name may be misspelt."""
        if self._field is None or not found or any(self._kind(hit) for hit in found):
            return []
        return [f"no hit has the metadata field {self._field!r}, so none was left out"]

    def _kind(self, hit: NodeWithScore) -> str:
        """Return of what kind a hit is, "" for none."""
        value = hit.ref_doc_id if self._field is None else hit.metadata.get(self._field)
        return "" if value is None else json.dumps(value, sort_keys=True)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = self._limited(query_bundle)
        within = self.retriever.plan(query.replace(top_k=self._first(query)))
        return Plan(self.name, f"leaves {self._most} of each kind", parts=(within,))


def _pays(retriever: BaseRetriever) -> bool:
    """Return whether a retriever, or one that it asks, asks a language model for each query."""
    return retriever.asks_model or bool(retriever.prompts) or any(map(_pays, retriever.sub_retrievers))
