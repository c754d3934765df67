"""`PprRetriever`: passages by personalised PageRank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import NODE_ID, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import offload
from retrieverkit_indexing.derived import answer
from retrieverkit_property_graph.graph.reader import GraphReader
from retrieverkit_property_graph.graph.view import GraphView
from retrieverkit_property_graph.graph_retriever import GraphRetriever
from retrieverkit_property_graph.legs import Ask, answer_until, raise_spent
from retrieverkit_property_graph.ppr.network import Floats, Integers
from retrieverkit_property_graph.ppr.networks import Networks
from retrieverkit_property_graph.ppr.options import SCORES, PprOptions
from retrieverkit_property_graph.ppr.pagerank import shares
from retrieverkit_property_graph.ppr.prior import weights_of
from retrieverkit_property_graph.ppr.reset import Seeds, reset
from retrieverkit_property_graph.ppr.tracing import Tracer, traced

PASSAGES = 100
"""So many hits of the other retriever are asked for."""

_ROUNDS = 3
"""How often the other retriever is asked again because the corpus changed between it and the graph."""

_DIGITS = 12
"""Shares that differ by less are equal, in whatever order they were added."""

_NEAR = "{}: the graph is large, so the walk was followed near its start alone: no score lacks more than {:.2g}"

_NO_PRIOR = np.empty(0, np.int64), np.empty(0)


class PprRetriever(GraphRetriever):
    """Finds the passages that a walk through the graph comes to most, starting at what the query says.

    The walk starts at the ends of the relations that are nearest to the query (BM25 over their texts) and, a little, at
    the first hits of another retriever. It goes along relations, between entities and the passages that name them, and
    between entities with like names. The score of a passage is the share of its time that it spends there
    (`pagerank`). What the query's filters and scope do not let pass is not in the graph: no path leads through it.

    The other retriever is a leg of the result: where it fails, the answer is that of the graph alone, and partial.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        passages: The other retriever, over the same corpus; None for none.
        **base: What every `GraphRetriever` takes, and the options of `PprOptions`.

    Raises:
        OptionError: An option has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    scores = SCORES
    name = "graph_ppr"
    options_type = PprOptions

    options: PprOptions

    def __init__(self, corpus: Corpus, storage: Path | str, passages: BaseRetriever | None = None, **base: Any) -> None:
        super().__init__(corpus, storage, **base)
        self._passages = passages if self.options.passage_weight > 0 else None
        self._networks = Networks(self.options.synonyms)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """The other retriever, if there is one."""
        return () if self._passages is None else (self._passages,)

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        until = answer_until()
        for last in range(_ROUNDS, 0, -1):
            leg = self._leg(query_bundle, until)
            if leg is not None:
                leg.ask()
            found = self._answer(leg, query_bundle)
            if leg is None or last == 1 or _same_state(leg, found):
                break
        return found

    async def _aretrieve(self, query_bundle: QueryBundle) -> Found:
        until = answer_until()
        for last in range(_ROUNDS, 0, -1):
            leg = self._leg(query_bundle, until)
            if leg is not None:
                await leg.aask()
            found = await offload(self._answer, leg, query_bundle)
            if leg is None or last == 1 or _same_state(leg, found):
                break
        return found

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        leg = self._leg(query_bundle, None)
        asks = () if leg is None else (leg.retriever.plan(leg.bundle()),)
        return Plan(self.name, "walks the graph", parts=(*asks, *self._index_plan(query_bundle)))

    def _leg(self, query: QueryBundle, until: float | None) -> Ask | None:
        if self._passages is None:
            return None
        return Ask(self._passages.name, self._passages, query, PASSAGES, until)

    def _answer(self, leg: Ask | None, query: QueryBundle) -> Found:
        prior = _NO_PRIOR
        if leg is not None:
            raise_spent(leg)
            if leg.result is not None:
                higher = leg.retriever.score_spec.higher_is_better
                prior = weights_of(leg.result, higher, self.index.corpus, self._ordinals_of)
        found = answer(self.index, lambda reader: self._ranked(reader, query, prior))
        if leg is not None:
            found.legs_of_its_own = (leg.status,)
            found.warnings = (*leg.warnings, *found.warnings)
        return found

    def _ordinals_of(self, node_ids: list[str]) -> dict[str, int]:
        """Return the ordinals of nodes that are in the corpus, by id."""
        if not node_ids:
            return {}
        wanted = MetadataFilters(filters=[MetadataFilter(NODE_ID, node_ids, FilterOperator.IN)])
        ordinals = self._metadata.reader().ordinals_of(wanted).tolist()
        nodes = zip(self.index.corpus.fetch(ordinals), ordinals, strict=True)
        return {node.id: ordinal for node, ordinal in nodes if node is not None}

    def _ranked(self, reader: GraphReader, query: QueryBundle, prior: tuple[Integers, Floats]) -> Found:
        reader = self._as_settings_are(reader)
        allowed = None
        if query.filters is not None:
            allowed = self._metadata.reader().ordinals_of(query.filters)
        with reader.view(allowed) as view:
            found = self._walked(view, query, prior)
            found.notes = (*found.notes, *view.notes(self.name))
            return found

    def _walked(self, view: GraphView, query: QueryBundle, prior: tuple[Integers, Floats]) -> Found:
        arrays, network = view.arrays(), self._networks.of(view)
        seeds = Seeds.of(view.facts(query.query_str, self.options.facts, ties=True), arrays)
        start = reset(arrays, network, seeds, prior, self.options.passage_weight)
        if not start.any():
            return Found([], notes=(f"{self.name}: no relation has a word of the query",))
        walked = shares(network, start)
        best = _first(np.round(walked.of[network.entities :], _DIGITS), query.top_k)
        traces = traced(view, self.index.corpus, Tracer(arrays, network, walked.of, seeds), best)
        scores = np.round(walked.of[network.entities + best], _DIGITS).tolist()
        lacking = (walked.until * network.strength[network.entities + best]).tolist()
        evidence = []
        for rank, (score, lacks, details) in enumerate(zip(scores, lacking, traces, strict=True), start=1):
            if walked.until:
                details["lacks_at_most"] = lacks
            evidence.append((Evidence(self.name, rank, score, details),))
        notes = (_NEAR.format(self.name, max(lacking, default=0.0)),) if walked.until else ()
        return Found(list(zip(arrays.passages[best].tolist(), scores, strict=True)), evidence=evidence, notes=notes)


def _first(scores: Floats, most: int | None) -> Integers:
    """Return the places of the best scores above 0, best first; equal ones in their order."""
    places = np.flatnonzero(scores > 0)
    if most is not None and 0 < most < len(places):
        least = np.partition(scores[places], len(places) - most)[len(places) - most]
        places = places[scores[places] >= least]
    return places[np.argsort(-scores[places], kind="stable")][:most]


def _same_state(leg: Ask, found: Found) -> bool:
    """Return whether the other retriever and the graph saw one state of the corpus, as far as that is known."""
    return leg.state is None or leg.state[0] is not found.corpus or leg.state[1] == found.cursor
