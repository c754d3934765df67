"""`RecursiveRetriever`: index nodes that lead to nodes of the same corpus."""

from __future__ import annotations

from typing import Any

from retrieverkit_compose.around import Around, evidence_of, explicit
from retrieverkit_compose.relatives import Relatives
from retrieverkit_core import explain
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import RecursionLimitError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.nodes import IndexNode, Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import offload

MAX_DEPTH = 32
"""How many index nodes may lead to each other."""


_AT_ONCE = 100
"""So many are asked for at the least where what they lead to is filtered."""

_FILTERED = "filters and scope hold for index nodes themselves, before they are followed"
_SCOPED = "the scope holds for index nodes themselves, before they are followed"


class RecursiveRetriever(Around):
    """Returns in the place of a found index node the node of the corpus whose id is its ``index_id``.

    So small pieces, summaries or questions can be found, and the text they stand for returned. That node has the score
    of the first that leads to it, and its evidence names what led to it as ``through``. What index nodes hold as
    objects, or the object map has, is followed as by every retriever. What an index node leads to must pass the
    filters, the index node need not: the retriever is asked without them, for more until enough has passed. It is asked
    with them, and a note says so, where it shows texts to a model or puts several together. A scope holds for both.

    Args:
        retriever: The retriever that finds the index nodes.
        corpus: Where the nodes are.
        top_k: How many hits a query gets that does not say.
        field: A metadata field in which any node, also one that was read from a file, names the node that it stands
            for, as an index node does by its ``index_id``. One that names itself stays.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.
    """

    replaces_nodes = True
    name = "recursive"

    def __init__(
        self, retriever: BaseRetriever, corpus: Corpus, *, top_k: int = 5, field: str | None = None, **base: Any
    ) -> None:
        super().__init__(retriever, **base)
        self.default_top_k = top_k
        self.field = field
        self.scores = retriever.score_spec
        self._corpus = corpus
        self._filters_first = _filters_first(retriever)

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        asked: QueryBundle | None = self._asked(query_bundle)
        while asked is not None:
            found = self.retriever.retrieve(asked)
            result = self._followed(query_bundle, found)
            asked = self._for_more(query_bundle, asked, len(found), result)
        return result

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        asked: QueryBundle | None = self._asked(query_bundle)
        while asked is not None:
            found = await self.retriever.aretrieve(asked)
            result = await offload(self._followed, query_bundle, found)
            asked = self._for_more(query_bundle, asked, len(found), result)
        return result

    def _asked(self, query: QueryBundle) -> QueryBundle:
        """Return what the retriever is asked: without the filters that hold for what is led to."""
        query = explicit(query)
        if query.filters is None or self._filters_first:
            return query
        return query.replace(filters=None, top_k=max(query.top_k or 0, _AT_ONCE))

    def _for_more(
        self, query: QueryBundle, asked: QueryBundle, found: int, result: RetrievalResult
    ) -> QueryBundle | None:
        """Return how to ask for more where too little has passed; None where there is enough, or no more."""
        limit, wanted = asked.top_k or 0, explicit(query).top_k or 0
        if query.filters is None or self._filters_first or found < limit or limit >= UNLIMITED:
            return None
        if len({hit.node.id for hit in result}) >= wanted:
            return None
        return asked.replace(top_k=min(4 * limit, UNLIMITED))

    def _followed(self, query: QueryBundle, found: RetrievalResult) -> RetrievalResult:
        """Return the hits with what their index nodes lead to.

        Raises:
            RecursionLimitError: Index nodes lead to each other in a circle, or too deeply.
        """
        after = None if self._filters_first else query.filters
        relatives = Relatives(self._corpus, query if after is None else query.replace(filters=None))
        paths = [[hit.node] for hit in found]
        pending = {at: path for at, path in enumerate(paths) if relatives.owns(found[at])}
        while pending := {at: path for at, path in pending.items() if self._target_of(path[-1]) is not None}:
            relatives.read(name for path in pending.values() if (name := self._target_of(path[-1])) is not None)
            for at, path in list(pending.items()):
                target = relatives.get(self._target_of(path[-1]))
                if target is None:
                    del pending[at]
                    continue
                if len(path) > MAX_DEPTH or any(node.id == target.id for node in path):
                    raise RecursionLimitError([node.id for node in (*path, target)])
                path.append(target)
        hits = [
            self._hit(hit, rank, path)
            for rank, (hit, path) in enumerate(zip(found, paths, strict=True), 1)
            if not relatives.hides(self._target_of(path[-1])) and (after is None or self._passes(path[-1], after))
        ]
        with explain.stage("following", came=found) as stage:
            stage.went(hits)
            for path in paths if stage else ():
                if len(path) > 1:
                    stage.replaced(path[0].id, by=path[-1].id)
        lost = sum(self._target_of(path[-1]) in relatives.missing for path in paths)
        warning = f"{lost} of {len(found)} hits lead to no node of the index; they stay"
        notes = [_FILTERED] if query.filters is not None and self._filters_first else []
        notes += [_SCOPED] if query.scope is not None and not notes else []
        if self.field and found and not any(self.field in path[0].metadata for path in paths):
            notes.append(f"no hit has the metadata field {self.field!r}")  # its name may be misspelt
        return self._made(hits, found, warnings=[warning] if lost else (), notes=notes)

    def _hit(self, hit: NodeWithScore, rank: int, path: list[Node]) -> NodeWithScore:
        if len(path) == 1:
            return hit
        first, *others = evidence_of(hit, self.retriever.name, rank)
        through = {**first.details, "through": [node.id for node in path[:-1]]}
        return NodeWithScore(path[-1], hit.score, (Evidence(first.leg, first.rank, first.score, through), *others))

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        within = self.retriever.plan(self._limited(query_bundle))
        return Plan(self.name, "follows index nodes within the index", parts=(within,))

    def _passes(self, node: Node, filters: MetadataFilters) -> bool:
        """Whether a node passes filters, or leads by an object to what is filtered when it is followed."""
        leads_on = isinstance(node, IndexNode) and (node.obj is not None or node.index_id in self._object_map)
        return leads_on or filters.admits(node)

    def _target_of(self, node: Node) -> str | None:
        """Return the id of the node that a node stands for by its name; None where it does not."""
        if isinstance(node, IndexNode) and node.obj is None:
            return node.index_id or None
        named = node.metadata.get(self.field) if self.field else None
        if named is None or named == "" or str(named) == node.id:  # the root of a table often names itself
            return None
        return str(named)  # a column of numbers names nodes too


def _filters_first(retriever: BaseRetriever) -> bool:
    """Whether filters must hold before anything is shown to a model, or put together with its neighbours."""
    return retriever.asks_model or retriever.replaces_nodes or any(map(_filters_first, retriever.sub_retrievers))
