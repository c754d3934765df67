"""`TreeRootRetriever`: the summaries at the top of the tree."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.hits import Evidence, NodeWithScore
from retrieverkit_core.nodes import Metadata, Node, NodeRelationship, Relationships
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.scores import UNSCORED
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel
from retrieverkit_summary.partial import Told
from retrieverkit_summary.tree.base import TreeRetriever
from retrieverkit_summary.tree.source import NUM_CHILDREN
from retrieverkit_summary.tree.summaries import TreeShortfall, VanishedError
from retrieverkit_summary.tree.tree import Place, Tree

DESCENDED = "summaries whose nodes differ in what the filters ask about are replaced by what is beneath them"
_FETCHED = 1000


class _Shared(NamedTuple):
    """What all nodes beneath a summary have in common.

    Attributes:
        metadata: The keys with the same value in all.
        document: The id of the document that all are of, or None.
        not_embedded: Keys that some keep out of what is embedded.
        not_shown: Keys that some keep out of what a language model is shown.
    """

    metadata: Metadata
    document: str | None
    not_embedded: frozenset[str]
    not_shown: frozenset[str]


class TreeRootRetriever(TreeRetriever):
    """Returns the roots of the tree, in order, whatever the query: few summaries that together tell of all nodes.

    A summary is not a node of the corpus. Its id is a hash of what is beneath it, its metadata what all nodes beneath
    it have in common, and its CHILD relationship names what it sums up; the evidence says at what level it stands and
    of how many nodes it tells. Under filters and a scope it tells of the nodes that pass and of no others. It is itself
    subject to them, by its metadata: one that does not pass is replaced by its children, and so on down to the nodes.
    A corpus of at most ``num_children`` nodes has no summaries: the roots are its nodes. Hits have no score.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model that makes the summaries; None chooses sentences.
        embedding: What sentences are compared by; None for their words.
        num_children: How many children a node has on average, and the most roots there are.
        top_k: How many hits a query gets that does not say; None for all.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A number is too small.
    """

    scores = UNSCORED
    answers_blank = True
    name = "tree_root"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel | None = None,
        *,
        embedding: Embedder | CorpusEmbedder | None = None,
        num_children: int = NUM_CHILDREN,
        top_k: int | None = None,
        **base: Any,
    ) -> None:
        super().__init__(corpus, storage, model, embedding, num_children, {}, base)
        self.default_top_k = top_k
        self._known: WeakKeyDictionary[Tree, dict[Place, _Shared]] = WeakKeyDictionary()

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        filters, top_k = query_bundle.filters, query_bundle.top_k
        return self._source.ask(filters, lambda tree, _: self._result(tree, filters, top_k))

    def _result(self, tree: Tree, filters: MetadataFilters | None, top_k: int | None) -> RetrievalResult:
        places = self._passing(tree, filters)[:top_k]
        inner = [place for place in places if place.level]
        shortfall = TreeShortfall()
        texts = dict(zip(inner, self._summaries.of(tree, inner, shortfall), strict=True))
        leaves = iter(self._nodes(tree, [place.at for place in places if not place.level]))
        hits = []
        for rank, place in enumerate(places, 1):
            if place.level:
                node = self._summary(tree, place, texts[place])
                node.relationships[NodeRelationship.CHILD] = self._names(tree, place)
            else:
                node = next(leaves)
            details = {"level": place.level, "nodes": len(tree.leaves(place))}
            hits.append(NodeWithScore(node, None, (Evidence(self.name, rank, None, details),)))
        descended = any(place.level < tree.depth for place in places)
        legs = Told().lacking(self.name, shortfall).beside(self.name, len(hits))
        return RetrievalResult(hits, legs=legs, notes=(DESCENDED,) if descended else ())

    def _passing(self, tree: Tree, filters: MetadataFilters | None) -> list[Place]:
        """Return the highest nodes that pass the filters themselves, in order."""
        passing: list[Place] = []
        waiting = deque(tree.roots)
        while waiting:
            place = waiting.popleft()
            if place.level == 0 or filters is None or filters.admits(self._summary(tree, place, "")):
                passing.append(place)
            else:
                waiting.extendleft(reversed(tree.children(place)))
        return passing

    def _summary(self, tree: Tree, place: Place, text: str) -> Node:
        shared = self._shared(tree, place)
        related: Relationships = {} if shared.document is None else {NodeRelationship.SOURCE: shared.document}
        return Node(
            text,
            tree.name(place),
            dict(shared.metadata),
            related,
            sorted(shared.not_embedded & shared.metadata.keys()),
            sorted(shared.not_shown & shared.metadata.keys()),
        )

    def _shared(self, tree: Tree, place: Place) -> _Shared:
        known = self._known.setdefault(tree, {})
        if place not in known:
            known[place] = _common(self._walk(tree, tree.leaves(place)))
        return known[place]

    def _walk(self, tree: Tree, leaves: Sequence[int]) -> Iterator[Node]:
        for start in range(0, len(leaves), _FETCHED):
            yield from self._nodes(tree, leaves[start : start + _FETCHED])

    def _nodes(self, tree: Tree, leaves: Sequence[int]) -> list[Node]:
        nodes = [node for node in self._source.corpus.fetch(tree.ordinals[list(leaves)].tolist()) if node is not None]
        if len(nodes) < len(leaves):
            raise VanishedError
        return nodes

    def _names(self, tree: Tree, place: Place) -> list[str]:
        children = tree.children(place)
        if children[0].level:
            return [tree.name(child) for child in children]
        return [node.id for node in self._nodes(tree, [child.at for child in children])]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        filters = MetadataFilters.and_(query_bundle.filters, query_bundle.scope)
        planned = self._source.planned(query_bundle, self._summarizer, lambda tree: self._passing(tree, filters))
        return Plan(self.name, "reads the summaries at the top of the tree", parts=(planned.summaries,))


def _common(nodes: Iterator[Node]) -> _Shared:
    first = next(nodes)
    metadata, document = dict(first.metadata), first.ref_doc_id
    not_embedded, not_shown = set(first.excluded_embed_metadata_keys), set(first.excluded_llm_metadata_keys)
    for node in nodes:
        metadata = {key: value for key, value in metadata.items() if _same(node.metadata, key, value)}
        document = document if node.ref_doc_id == document else None
        if not metadata and document is None:
            break
        not_embedded.update(node.excluded_embed_metadata_keys)
        not_shown.update(node.excluded_llm_metadata_keys)
    return _Shared(metadata, document, frozenset(not_embedded), frozenset(not_shown))


def _same(metadata: Metadata, key: str, value: object) -> bool:
    """Return whether metadata holds this value under this key; ``True`` is not 1, and 1 is not 1.0."""
    return key in metadata and repr(metadata[key]) == repr(value)
