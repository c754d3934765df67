"""`VectorRetriever`: nodes whose vectors are near the query's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import OptionError, QueryError, RetrieverKitError
from retrieverkit_core.explain import Code, Status, recording
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import Compared
from retrieverkit_core.services import CorpusEmbedder, Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_indexing.derived import IndexRetriever, found_in
from retrieverkit_indexing.metadata import MetadataIndex
from retrieverkit_vector.comparing import comparison, vectors_of
from retrieverkit_vector.feedback import toward_mean
from retrieverkit_vector.index import VectorIndex
from retrieverkit_vector.metrics import Target
from retrieverkit_vector.mmr import diversified, value_told
from retrieverkit_vector.planning import planned
from retrieverkit_vector.plugin import FILTERS, MMR_SCORES, SCORES, MetricName
from retrieverkit_vector.reader import Nearest, VectorReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_core.retriever import Hits
    from retrieverkit_vector.adapting.adapter import Adapter
    from retrieverkit_vector.adapting.applying import Adapting

Pairs = list[tuple[int, float]]


class VectorRetriever(IndexRetriever[VectorReader]):
    """Finds the nodes whose vectors are nearest to that of the query.

    A query that brings its embedding is searched by it; else its texts are embedded (``custom_embedding_strs`` if
    given, else the query) and, where they are several, the mean of their vectors scaled to length 1 is taken. A text of
    which the embedding knows nothing finds nothing.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns texts into vectors.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        top_k: How many hits a query gets that does not say.
        metric: What nearness is: ``cosine`` (a similarity from -1 to 1), ``dot`` (a similarity without bounds) or
            ``l2`` (a distance).
        similarity_cutoff: Only hits with at least this score; with ``l2``, at most this distance.
        mmr_lambda: Choose by maximal marginal relevance (`mmr.diversified`) with this weight of relevance; the scores
            are its values.
        mmr_fetch: How many of the nearest nodes MMR chooses from, at least.
        adapter: What was learned from judged queries, or its file. It moves the vectors that queries are embedded to;
            one that a query brings is searched by as it is.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Attributes:
        embedding_spec: The spec that names the embedding.
        index: The vector index.

    Raises:
        OptionError: MMR is asked for with another metric than ``cosine``.
        ConfigError: The adapter's file cannot be used.
        EmbeddingMismatchError: The adapter was learned for another embedding.
    """

    filter_capabilities = FILTERS
    name = "vector"
    index: VectorIndex

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        *,
        embedding_spec: str = "",
        top_k: int = 5,
        metric: MetricName = "cosine",
        similarity_cutoff: float | None = None,
        mmr_lambda: float | None = None,
        mmr_fetch: int = 50,
        adapter: Adapter | str | PathLike[str] | None = None,
        **base: Any,
    ) -> None:
        if mmr_lambda is not None and metric != "cosine":
            raise OptionError("vector", [("mmr_lambda", "it works with the metric cosine")])
        super().__init__(**base)
        self.default_top_k = top_k
        self.scores = SCORES[metric] if mmr_lambda is None else MMR_SCORES
        self.embedding_spec = embedding_spec or f"object:{embedding.fingerprint}"
        self.notes = (f"embedding: {self.embedding_spec}",)
        self.index = VectorIndex(corpus, Path(storage), embedding, self.embedding_spec)
        self._metadata = MetadataIndex(corpus, Path(storage))
        self._metric: MetricName = metric
        self._cutoff = similarity_cutoff
        self._mmr_lambda = mmr_lambda
        self._mmr_fetch = mmr_fetch
        self._adapting: Adapting | None = None
        if adapter is not None:
            from retrieverkit_vector.adapting.applying import Adapting  # most searches have no adapter

            self._adapting = Adapting(adapter, corpus, embedding, self.embedding_spec)

    def learned_from(self, query: str) -> bool:
        """Return whether this was learned from a query of these words, so that it must not be measured with it."""
        return self._adapting is not None and self._adapting.learned_from(query)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def moved(self, query: QueryBundle, toward: Sequence[int], weight: float) -> QueryBundle | None:
        """Return ``query`` moved toward the nodes at some ordinals, see `RelevanceFeedback`."""
        reader = self.index.reader()
        vector = self._vector(reader, query)
        if vector is None or not weight:
            return None
        filters = MetadataFilters.and_(query.filters, query.scope)
        admitted = None if filters is None else reader.admitted(self._metadata.reader(), filters)
        rows = reader.rows_of(np.array(toward, np.int64), admitted)
        if not len(rows):
            return None
        embedding = toward_mean(vector, reader.rows.vectors(rows), weight)
        if embedding is None:
            return None
        if self._adapting is not None and query.embedding is None:
            self._adapting.moved(embedding)
        return query.replace(embedding=embedding)

    def compared(self, query: QueryBundle, hits: Sequence[NodeWithScore]) -> Compared:
        """Return how near hits are to the query and to each other, see `NodeVectors`."""
        reader = self.index.reader()
        vector = self._vector(reader, query)
        return comparison(vector, vectors_of(hits, reader, self.index.corpus))

    def _vector(self, reader: VectorReader, query: QueryBundle) -> NDArray[np.float32] | None:
        if query.embedding is None and (known := reader.recall(query.embedding_strs)) is not None:
            return self._adapted(reader, known)
        (target,) = self._targets(reader, [query])
        if isinstance(target, RetrieverKitError):
            raise target
        return None if target is None else target.vector

    def _search(self, reader: VectorReader, query_bundle: QueryBundle) -> Found:
        (target,) = self._targets(reader, [query_bundle])
        if isinstance(target, RetrieverKitError):
            raise target
        pairs = [] if target is None else self._nearest(reader, query_bundle, target)
        return Found(pairs, notes=self._notes(reader, query_bundle))

    def _notes(self, reader: VectorReader, query: QueryBundle) -> tuple[str, ...]:
        if self._adapting is None or not reader.count:
            return reader.notes
        return (*reader.notes, self._adapting.note(reader, query))

    def _adapted(self, reader: VectorReader, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        return vector if self._adapting is None else self._adapting.bound(reader)(vector)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        return planned(self.name, self.index, query_bundle, self.embedding_spec)

    def _nearest(self, reader: VectorReader, query: QueryBundle, target: Target) -> Pairs:
        admitted = None
        if query.filters is not None:
            admitted = reader.admitted(self._metadata.reader(), query.filters)
        return self._chosen(reader, reader.search(target, self._fetched(query), admitted), query)

    def _retrieve_many(self, query_bundles: Sequence[QueryBundle]) -> Sequence[Hits | Exception]:
        """Answer many queries by one embedding call, and those without filters by one matrix product.

        A query that cannot be answered gets its error in place of its hits.
        """
        found, cursor = self.index.ask_at(lambda reader: self._found_many(reader, query_bundles))
        return [each if isinstance(each, RetrieverKitError) else found_in(self.index, each, cursor) for each in found]

    def _found_many(self, reader: VectorReader, queries: Sequence[QueryBundle]) -> list[Found | RetrieverKitError]:
        targets = self._targets(reader, queries)
        found: list[Pairs | RetrieverKitError] = []
        together: dict[int, Target] = {}
        for place, (query, target) in enumerate(zip(queries, targets, strict=True)):
            found.append(target if isinstance(target, RetrieverKitError) else [])
            if isinstance(target, Target) and query.filters is None:
                together[place] = target
            elif isinstance(target, Target):
                found[place] = self._nearest(reader, query, target)
        many = reader.search_many(list(together.values()), [self._fetched(queries[place]) for place in together])
        for place, one in zip(together, many, strict=True):
            found[place] = self._chosen(reader, one, queries[place])
        return [
            each if isinstance(each, RetrieverKitError) else Found(each, notes=self._notes(reader, query))
            for query, each in zip(queries, found, strict=True)
        ]

    def _fetched(self, query: QueryBundle) -> int | None:
        if self._mmr_lambda is None or query.top_k is None:
            return query.top_k
        return max(query.top_k, self._mmr_fetch)

    def _chosen(self, reader: VectorReader, found: Nearest, query: QueryBundle) -> Pairs:
        rows, scores = found
        plain = self._cutoff is None and self._mmr_lambda is None and self._adapting is None
        told = None if plain else recording()
        if told is not None:
            search = told.searched()
            search.went(self._seen(reader, rows, scores))
            if self._adapting is not None:
                search.says(Status.APPLIED, self._adapting.note(reader, query))
        if self._cutoff is not None:
            near = scores <= self._cutoff if self._metric == "l2" else scores >= self._cutoff
            if told is not None:
                cut = told.step("cutoff", Code.BELOW_LEG_CUT, self._seen(reader, rows, scores))
                cut.went(self._seen(reader, rows[near], scores[near]), self._seen(reader, rows[~near], scores[~near]))
            rows, scores = rows[near], scores[near]
        ordinals = reader.rows.ordinals[rows].tolist()
        if self._mmr_lambda is None:
            return list(zip(ordinals, scores.tolist(), strict=True))
        wanted = len(rows) if query.top_k is None else query.top_k
        chosen = diversified(reader.rows.vectors(rows), scores, self._mmr_lambda, wanted)
        pairs = [(ordinals[each.place], each.value) for each in chosen]
        if told is not None:
            step = told.step("mmr", Code.RERANKED_OUT, self._seen(reader, rows, scores))
            step.went(Found(pairs, self.index.corpus))
            for (ordinal, _), each in zip(pairs, chosen, strict=True):
                step.scored(ordinal, value_told(each, float(scores[each.place]), self._mmr_lambda))
        return pairs

    def _seen(self, reader: VectorReader, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> Found:
        """Return rows for an explanation."""
        pairs = zip(reader.rows.ordinals[rows].tolist(), scores.tolist(), strict=True)
        return Found(list(pairs), self.index.corpus)

    def _targets(self, reader: VectorReader, queries: Sequence[QueryBundle]) -> list[Target | RetrieverKitError | None]:
        """Return what each query searches for: None for one that finds nothing, an error for one that cannot be."""
        targets: list[Target | RetrieverKitError | None] = [None] * len(queries)
        if not reader.count:
            return targets
        texts: dict[int, list[str]] = {}
        for place, query in enumerate(queries):
            if query.embedding is None:
                own = [text for text in query.embedding_strs if text.strip()]
                if own:
                    texts[place] = own
                continue
            try:
                targets[place] = Target(_door(query.embedding, reader.dimension), self._metric)
            except QueryError as error:
                targets[place] = error
        for place, vector in self._embedded(reader, texts).items():
            if isinstance(vector, RetrieverKitError):
                targets[place] = vector
                continue
            reader.remember(queries[place].embedding_strs, vector)
            targets[place] = Target(self._adapted(reader, vector), self._metric)
        return targets

    def _embedded(
        self, reader: VectorReader, texts: dict[int, list[str]]
    ) -> dict[int, NDArray[np.float32] | RetrieverKitError]:
        if not texts:
            return {}
        every = list(chain.from_iterable(texts.values()))
        if reader.embed_queries is None:
            error = QueryError(
                f"the nodes bring their own vectors, which {self.embedding_spec!r} cannot compare words with",
                fix="give the query an embedding, or name the embedding that made the nodes' vectors",
            )
            return dict.fromkeys(texts, error)
        vectors = checked(reader.embed_queries(every), len(every), reader.dimension, allow_zero=True)
        means: dict[int, NDArray[np.float32] | RetrieverKitError] = {}
        at = 0
        for place, own in texts.items():
            mean = _mean(vectors[at : at + len(own)])
            at += len(own)
            if mean.any():
                means[place] = mean
        return means


def _door(embedding: Sequence[float], dimension: int) -> NDArray[np.float32]:
    """Return a query's own vector if it can be searched by.

    Raises:
        QueryError: It has another length than the nodes', or no direction.
    """
    if len(embedding) != dimension:
        raise QueryError(
            f"the query's embedding has {len(embedding)} numbers; the nodes' have {dimension}",
            fix="embed the query with the model that the index uses",
        )
    with np.errstate(over="ignore"):
        vector: NDArray[np.float32] = np.array(embedding, np.float32)
        square = float(vector @ vector)
    if not 0 < square < np.inf:
        raise QueryError("the query's embedding has no direction: it is zero, or too short or long for float32")
    return vector


def _mean(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the only vector as it is; the mean of several after each is scaled to length 1."""
    mean: NDArray[np.float32] = vectors[0]
    if len(vectors) == 1:
        return mean
    known = vectors[vectors.any(axis=1)].astype(np.float64)
    if not len(known):
        return np.zeros(vectors.shape[1], np.float32)
    mean = (known / np.linalg.norm(known, axis=1, keepdims=True)).mean(axis=0).astype(np.float32)
    return mean  # noqa: RET504 - the name gives it its type
