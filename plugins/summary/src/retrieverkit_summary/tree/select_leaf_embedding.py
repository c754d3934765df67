"""`TreeSelectLeafEmbeddingRetriever`: down the tree, each time to the children that are nearest in meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit_core.corpus import Corpus, Cursor, searched_text
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel, texts_per_call
from retrieverkit_indexing.text_vectors import TextModel, TextVectors, nearest, query_vector
from retrieverkit_summary.partial import Told
from retrieverkit_summary.plugin import COSINES
from retrieverkit_summary.settings import positive
from retrieverkit_summary.tree.base import TreeRetriever
from retrieverkit_summary.tree.plugin import BRANCHES
from retrieverkit_summary.tree.source import NUM_CHILDREN
from retrieverkit_summary.tree.summaries import TreeShortfall
from retrieverkit_summary.tree.tree import Place, Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIGITS = 6
"""Cosines have so many places: of those that differ by rounding alone, the first in the tree comes first."""


class TreeSelectLeafEmbeddingRetriever(TreeRetriever):
    """Goes down the tree of summaries, at each level to the nodes whose vectors are nearest to the query's.

    Of all children of the nodes that it stands on, the ``child_branch_factor`` nearest ones go on; those of them that
    are leaves are the hits, with their cosine. Where a node is not found although it is near, the summaries above it
    do not tell of it: more branches find more. Vectors that nodes bring are not used.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns texts into vectors.
        model: The language model that makes the summaries; None chooses sentences.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        child_branch_factor: How many branches are followed, and so the most hits there are.
        num_children: How many children a node has on average.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A number is too small.
    """

    scores = COSINES
    name = "tree_select_leaf_embedding"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        model: LanguageModel | None = None,
        *,
        embedding_spec: str = "",
        child_branch_factor: int = BRANCHES,
        num_children: int = NUM_CHILDREN,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        positive(self.name, child_branch_factor=child_branch_factor)
        super().__init__(corpus, storage, model, embedding, num_children, {}, base)
        self.default_top_k = top_k
        self._branches = child_branch_factor
        self._embedding = embedding
        self._model = TextModel(corpus, Path(storage), embedding, embedding_spec)
        self._vectors: TextVectors[str] = TextVectors(lambda texts: texts)
        self.notes = (f"embedding: {self._model.spec}", *self.notes)

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        return self._source.ask(query_bundle.filters, lambda tree, cursor: self._found(tree, cursor, query_bundle))

    def _found(self, tree: Tree, cursor: Cursor, query: QueryBundle) -> Found:
        shortfall = TreeShortfall()
        pairs = self._descended(tree, query, shortfall)[: query.top_k] if len(tree.ordinals) else []
        legs = Told().lacking(self.name, shortfall).beside(self.name, len(pairs))
        return Found(pairs, self._source.corpus, cursor, legs=legs, disown=self.index.rebuild)

    def _descended(self, tree: Tree, query: QueryBundle, shortfall: TreeShortfall) -> list[Pair]:
        model = self._model.current()
        vector = None if model is None else query_vector(model, query)
        if model is None or vector is None:
            return []
        standing = self._nearest(self._texts(tree, tree.roots, shortfall), tree.roots, tree, model, vector)
        while standing and standing[0][0].level:
            children = sorted(child for place, _ in standing for child in tree.children(place))
            standing = self._nearest(self._texts(tree, children, shortfall), children, tree, model, vector)
        return [(int(tree.ordinals[place.at]), score) for place, score in standing]

    def _nearest(
        self, texts: list[str], places: Sequence[Place], tree: Tree, model: Embedder, vector: NDArray[np.float32]
    ) -> list[tuple[Place, float]]:
        scores = self._vectors.nearness(model, vector, texts, 2 * len(tree.ordinals)).round(_DIGITS)
        return [(places[at], float(scores[at])) for at in nearest(scores)[: self._branches]]

    def _texts(self, tree: Tree, places: Sequence[Place], shortfall: TreeShortfall) -> list[str]:
        """Return what nodes are found by; "" for a leaf that has been removed since."""
        if places[0].level:
            return self._summaries.of(tree, places, shortfall)
        corpus = self._source.corpus
        nodes = corpus.fetch([int(tree.ordinals[place.at]) for place in places])
        return ["" if node is None else searched_text(node, corpus.settings) for node in nodes]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        planned = self._source.planned(query_bundle, self._summarizer, lambda tree: tree.roots)
        levels = planned.tree.depth + 1
        does = f"compares vectors on {levels} levels of a tree of {len(planned.tree.ordinals)} nodes"
        calls = self._calls(levels, query_bundle) if len(planned.tree.ordinals) else 0
        return Plan(self.name, does, embedding_calls=calls, parts=(planned.summaries,))

    def _calls(self, levels: int, query: QueryBundle) -> int | None:
        if isinstance(self._embedding, CorpusEmbedder):
            return 0
        size = texts_per_call(self._embedding)
        return size if size is None or size == 0 else levels + (query.embedding is None)
