"""`AutoMergingRetriever`: parents in place of their children."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrieverkit_compose.around import Around, check_enough, checked, evidence_of
from retrieverkit_compose.auto_merging.merging import Merged, merged
from retrieverkit_compose.auto_merging.options import AutoMergingSettings
from retrieverkit_compose.relatives import Relatives
from retrieverkit_core import explain
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import offload

LEVEL = "node_level"
"""The metadata field by which the splitter ``hierarchical`` says that a node is one of the smallest, by 0."""

_LEAVES = MetadataFilters(
    filters=[
        MetadataFilter(key=LEVEL, operator=FilterOperator.EQ, value=0),
        MetadataFilter(key=LEVEL, operator=FilterOperator.IS_EMPTY),  # nodes that no splitter has cut are whole
    ],
    condition=FilterCondition.OR,
)


class AutoMergingRetriever(Around):
    """Asks for the smallest nodes, and puts a parent in the place of its children where enough of them are found.

    In an index whose documents are cut by the splitter ``hierarchical``, only its smallest nodes are asked for. Parents
    have the mean of their children's scores, and must pass filters and scope themselves.

    Args:
        retriever: The retriever that finds the smallest nodes.
        corpus: Where the parents are.
        threshold: A parent takes the place of its children where more than this share of them is found.
        candidates: How many nodes are asked for and merged; None leaves it to ``retriever``.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
    """

    replaces_nodes = True
    name = "auto_merging"

    def __init__(
        self,
        retriever: BaseRetriever,
        corpus: Corpus,
        *,
        threshold: float = 0.5,
        candidates: int | None = 20,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        given = {"threshold": threshold, "top_k": top_k} | ({} if candidates is None else {"candidates": candidates})
        settings = checked(self.name, AutoMergingSettings, given)
        self.default_top_k = settings.top_k
        self.scores = retriever.score_spec
        self._corpus = corpus
        self._threshold = settings.threshold
        check_enough(self.name, retriever, candidates, settings.top_k)
        self._candidates = candidates

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._merged(query_bundle, self.retriever.retrieve(self._asked(query_bundle)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        found = await self.retriever.aretrieve(await offload(self._asked, query_bundle))
        return await offload(self._merged, query_bundle, found)

    def _asked(self, query: QueryBundle) -> QueryBundle:
        """Return what is asked: for enough of the smallest nodes."""
        wanted = self._candidates
        if wanted is not None:
            wanted = max(wanted, UNLIMITED if query.top_k is None else query.top_k)
        filters = query.filters
        if LEVEL in self._corpus.fields():
            filters = MetadataFilters.and_(filters, _LEAVES)
        return query.replace(top_k=wanted, filters=filters)

    def _merged(self, query: QueryBundle, found: RetrievalResult) -> RetrievalResult:
        relatives = Relatives(self._corpus, query)
        own = [hit for hit in found if relatives.owns(hit)]
        relatives.know(hit.node for hit in own)
        rank = {hit.node.id: at for at, hit in enumerate(found, 1)}
        after = merged(
            [Merged(hit.node, hit.score, frozenset([hit.node.id])) for hit in own], relatives, self._threshold
        )
        hits = {hit.node.id: hit for hit in found if not relatives.owns(hit)}
        best = dict(rank)
        for each in after:
            best[each.node.id] = min(rank[name] for name in each.hits)
            hits[each.node.id] = self._hit(each, found, rank)
        pinned = _before_all_scores(found) if self.score_spec.ordered else frozenset()
        order = sorted(hits, key=lambda name: (name not in pinned, *self._place(hits[name].score, best[name], name)))
        kept = [hits[name] for name in order[: query.top_k]]
        with explain.stage("merging", came=found) as stage:
            stage.went(kept, below=[hits[name] for name in order[len(kept) :]])
            for each in after if stage else ():
                for name in each.hits - {each.node.id}:
                    stage.replaced(name, by=each.node.id)
        notes = [*_notes(found), *self._too_few(query, found, kept)]
        return self._made(kept, found, notes=notes, warnings=_warnings(own, relatives))

    def _too_few(self, query: QueryBundle, found: RetrievalResult, kept: Sequence[NodeWithScore]) -> list[str]:
        """Return what to say where fewer hits are left than were asked for, and there may be more to find."""
        asked = self._asked(query).top_k or self.retriever.default_top_k
        wanted = self.default_top_k if query.top_k is None else query.top_k
        if asked is None or wanted is None or len(found) < asked or len(kept) >= wanted:
            return []
        if len(found) == len(kept):
            return [f"no more than {asked} nodes were asked for; more candidates would find more"]
        return [f"{len(found)} nodes were merged into {len(kept)}; more candidates would find more"]

    def _hit(self, each: Merged, found: RetrievalResult, rank: dict[str, int]) -> NodeWithScore:
        """Return the hit on a node; on one that was not found itself with the evidence of the best that it stands for.

        The details name all that it stands for, each with its rank and score.
        """
        if each.hits == {each.node.id}:
            return found[rank[each.node.id] - 1]
        places = sorted(rank[name] for name in each.hits)
        of = [{"id": found[place - 1].node.id, "rank": place, "score": found[place - 1].score} for place in places]
        first, *others = evidence_of(found[places[0] - 1], self.retriever.name, places[0])
        stands = Evidence(first.leg, first.rank, first.score, {**first.details, "stands_for": of})
        return NodeWithScore(each.node, each.score, (stands, *others))

    def _place(self, score: float | None, rank: int, name: str) -> tuple[bool, float, int, str]:
        if not self.score_spec.ordered or score is None:
            return (self.score_spec.ordered, 0.0, rank, name)
        return (False, -score if self.score_spec.higher_is_better else score, rank, name)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        within = self.retriever.plan(self._asked(self._limited(query_bundle)))
        return Plan(self.name, "puts parents in place of children", parts=(within,))


def _before_all_scores(found: RetrievalResult) -> frozenset[str]:
    """Return the ids of hits without a score that stand before those that have one: they were put first on purpose."""
    first = next((at for at, hit in enumerate(found) if hit.score is not None), 0)
    return frozenset(hit.node.id for hit in found[:first])


def _notes(found: RetrievalResult) -> list[str]:
    if not found or any(hit.node.parent_node for hit in found):
        return []
    return [
        "no hit has a parent; an index whose documents are cut by splitter='hierarchical' has some "
        "(retriever index PATH --index NEW --splitter hierarchical)"
    ]


def _warnings(own: Sequence[NodeWithScore], relatives: Relatives) -> list[str]:
    lost = sum(hit.node.parent_node in relatives.missing for hit in own)
    if not lost:
        return []
    return [f"{lost} of {len(own)} hits name a parent that the index does not hold; they were not merged"]
