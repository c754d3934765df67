"""`SummaryEmbeddingRetriever`: the nodes that are near in meaning, embedded when they are first asked about."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus, IndexSettings, searched_text
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import BoundedEmbedder, CorpusEmbedder, Embedder, texts_per_call
from retrieverkit_indexing.text_vectors import TextModel, TextVectors, nearest, query_vector
from retrieverkit_summary.nodes_in_order import NodesInOrder
from retrieverkit_summary.plugin import COSINES, FILTERS


class SummaryEmbeddingRetriever(BaseRetriever):
    """Compares the query with every node that passes the filters. Nodes are embedded when they first pass.

    So nothing is paid for nodes that no query reaches, and nothing twice: vectors are kept by text and model, for this
    mode and for ``vector``. They are compared one by one, from the memory of this process. Vectors that nodes bring
    are not used. Scores are cosines.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns texts into vectors. One that must be fitted is fitted to all nodes, and again with each
            change.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.
    """

    scores = COSINES
    filter_capabilities = FILTERS
    name = "summary_embedding"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        *,
        embedding_spec: str = "",
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.default_top_k = top_k
        self._corpus = corpus
        self._embedding = embedding
        self._model = TextModel(corpus, Path(storage), embedding, embedding_spec)
        self._nodes = NodesInOrder(corpus, Path(storage))
        self._vectors = corpus.settings, self._vectors_under(corpus.settings)
        self._longer: set[int] = set()
        self.notes = (f"embedding: {self._model.spec}",)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        ordinals, total, cursor = self._nodes.passing(query_bundle.filters)
        model = self._model.current() if ordinals else None
        vector = None if model is None else query_vector(model, query_bundle)
        if model is None or vector is None:
            return Found([], self._corpus, cursor)
        settings, vectors = self._vectors
        if settings != self._corpus.settings:  # what of a node is searched is another text now
            settings = self._corpus.settings
            vectors = self._vectors_under(settings)
            self._vectors = settings, vectors
        scores = vectors.nearness(model, vector, ordinals, total)
        pairs = [(ordinals[at], float(scores[at])) for at in nearest(scores, query_bundle.top_k)]
        return Found(pairs, self._corpus, cursor, notes=self._told(ordinals))

    def _vectors_under(self, settings: IndexSettings) -> TextVectors[int]:
        """Return what keeps the vectors of nodes by ordinal, of the text that is searched under these settings."""

        def texts_of(ordinals: Sequence[int]) -> list[str]:
            nodes = self._corpus.fetch(ordinals)
            texts = ["" if node is None else searched_text(node, settings) for node in nodes]
            if isinstance(self._embedding, BoundedEmbedder):
                longer = self._embedding.longer(texts)
                self._longer.update(ordinal for ordinal, too_long in zip(ordinals, longer, strict=True) if too_long)
            return texts

        return TextVectors(texts_of)

    def _told(self, ordinals: Sequence[int]) -> tuple[str, ...]:
        """Return what to tell of nodes that are longer than the model reads."""
        count = len(self._longer.intersection(ordinals)) if self._longer else 0
        if not count or not isinstance(self._embedding, BoundedEmbedder):
            return ()
        nodes = "1 node is" if count == 1 else f"{count} nodes are"
        return (
            f"{self.name}: {nodes} longer than the {self._embedding.max_tokens} tokens that {self._model.spec} reads, "
            "and compared by what those say alone",
        )

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        filters = MetadataFilters.and_(query_bundle.filters, query_bundle.scope)
        with closing(self._nodes.walk(filters)) as passing:
            count = sum(1 for _ in passing)
        each = texts_per_call(self._embedding)
        embeds = Plan(
            "vectors",
            f"embeds {count} nodes, but for those that have been",
            embedding_calls=each and -(-count // each),
            once=True,
        )
        asks = None if each is None else min(each, 1) * (query_bundle.embedding is None)
        return Plan(self.name, f"compares the query with {count} nodes", embedding_calls=asks, parts=(embeds,))
