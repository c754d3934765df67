"""Learning an adapter; how strong it is is learned too, by parting the queries that are learned from once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieverkit_adapt.folds import folds_of, others
from retrieverkit_core.corpus import searched_text
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.services import CorpusEmbedder
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_core.vectors import checked
from retrieverkit_vector import Adapter, Examples, QueryMap, VectorRetriever, digest, fitted_map, mean_direction
from retrieverkit_vector.adapting.mapping import directions
from retrieverkit_vector.metrics import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit.index import Index
    from retrieverkit_evaluate.collection import Collection

_WITH_VECTORS = ("vector", "hybrid")
_INNER_FOLDS = 3
_MORE = 4
"""So many times as many nodes are looked at as documents are counted, as a document may have several."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How far queries are moved.

    Attributes:
        strength: What moving costs.
        share: How much of the way is gone.
    """

    strength: float
    share: float

    def __str__(self) -> str:
        return f"strength {self.strength:g}, share {self.share:g}"


SETTINGS = [Setting(strength, share) for share in (0.25, 0.5, 1.0) for strength in (10.0, 3.0, 1.0, 0.3)]
"""What is tried, about from the least that queries are moved to the most."""


class AdapterLearner:
    """Learns adapters for the vectors that a mode searches.

    Args:
        index: The index.
        spec: The mode.
        collection: The queries and judgements.
        k: How many documents count.
        seed: The seed of the parts.

    Raises:
        ConfigError: The mode searches no vectors, those of several embeddings, or has an adapter already.
    """

    def __init__(self, index: Index, spec: RetrieverSpec, collection: Collection, k: int, seed: int) -> None:
        self._collection = collection
        self._k = k
        self._seed = seed
        retriever = _searched(index, spec)
        self._spec = retriever.embedding_spec
        self._reader = reader = retriever.index.reader()
        (embedding,) = retriever.index.uses
        self._fitted = isinstance(embedding, CorpusEmbedder)
        if reader.embed_queries is None:
            raise ConfigError(
                f"the nodes bring their own vectors, which {self._spec!r} cannot compare words with",
                fix="open the index with the embedding that made the nodes' vectors",
            )
        queries = list(collection.queries)
        texts = list(collection.queries.values())
        self._places = {query_id: place for place, query_id in enumerate(queries)}
        self._starts = checked(reader.embed_queries(texts), len(texts), reader.dimension, allow_zero=True)
        self._document_of: dict[int, str] = {}
        nodes_of: dict[str, list[int]] = {}
        relevant = {document for query_id in queries for document in relevant_of(collection, query_id)}
        with index.corpus.snapshot() as view:
            for ordinal, node in view.nodes():
                document = self._document_of[ordinal] = node.ref_doc_id or node.id
                if document in relevant:
                    nodes_of.setdefault(document, []).append(ordinal)
        self._answers = [self._nearest(query_id, nodes_of) for query_id in queries]
        self._ends = np.array([mean_direction(vectors) for _, vectors in self._answers]).reshape(self._starts.shape)
        self._texts: list[tuple[str, ...]] = []
        if self._fitted:
            every = sorted({ordinal for ordinals, _ in self._answers for ordinal in ordinals})
            settings = index.settings
            nodes = zip(every, index.corpus.fetch(every), strict=True)
            words = {ordinal: searched_text(node, settings) for ordinal, node in nodes if node is not None}
            self._texts = [tuple(words[each] for each in ordinals if each in words) for ordinals, _ in self._answers]

    def best(self, query_ids: Sequence[str]) -> Setting | None:
        """Return what does best on parts of the queries when the others are learned from; None for no adapter."""
        parts = folds_of({each: self._collection.queries[each] for each in query_ids}, _INNER_FOLDS, self._seed)
        totals = np.zeros(1 + len(SETTINGS))
        for place, part in enumerate(parts):
            asked = self._known(part)
            starts, ends = self._training(others(parts, place))
            if not len(starts) or not len(asked):
                continue
            totals[0] += self._recall(asked, directions(self._starts[asked]))
            for at, setting in enumerate(SETTINGS, 1):
                found = fitted_map(starts, ends, setting.strength, setting.share)
                totals[at] += self._recall(asked, _moved(found, self._starts[asked]))
        chosen = int(np.argmax(np.round(totals, 9)))  # the first of those that do as well: it moves the least
        return SETTINGS[chosen - 1] if chosen else None

    def adapter(self, query_ids: Sequence[str], setting: Setting, measured: str) -> Adapter:
        """Return the adapter that is learned from some queries."""
        places = self._learned_from(query_ids)
        texts = list(self._collection.queries.values())
        learned: QueryMap | Examples
        if self._fitted:
            learned = Examples(tuple(texts[at] for at in places), tuple(self._texts[at] for at in places))
        else:
            learned = fitted_map(self._starts[places], self._ends[places], setting.strength, setting.share)
        return Adapter(
            embedding=self._spec,
            made_by=self._reader.made_by,
            strength=setting.strength,
            share=setting.share,
            queries=frozenset(digest(texts[at]) for at in places),
            measured=measured,
            learned=learned,
        )

    def _training(self, query_ids: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        places = self._learned_from(query_ids)
        return self._starts[places], self._ends[places]

    def _learned_from(self, query_ids: Sequence[str]) -> list[int]:
        """Return the places of those queries that have a vector, and whose relevant documents have."""
        return [at for at in self._known(query_ids) if self._ends[at].any()]

    def _known(self, query_ids: Sequence[str]) -> list[int]:
        places = sorted(self._places[query_id] for query_id in query_ids)
        return [at for at in places if self._starts[at].any()]

    def _nearest(self, query_id: str, nodes_of: dict[str, list[int]]) -> tuple[list[int], NDArray[np.float32]]:
        """Return of each relevant document the ordinal and the vector of the node that is nearest to the query."""
        reader, start = self._reader, self._starts[self._places[query_id]].astype(np.float64)
        ordinals, vectors = [], []
        for document in relevant_of(self._collection, query_id):
            rows = reader.rows_of(np.array(nodes_of.get(document, ()), np.int64), None)
            if len(rows):
                found = reader.rows.vectors(rows)
                at = int(np.argmax(np.round(directions(found) @ start, 6)))
                ordinals.append(int(reader.rows.ordinals[rows[at]]))
                vectors.append(found[at])
        return ordinals, np.array(vectors, np.float32).reshape(len(vectors), reader.dimension)

    def _recall(self, places: Sequence[int], moved: NDArray[np.float64]) -> float:
        """Return the sum over the queries of the share of their relevant documents that are found."""
        wanted = [self._k * _MORE] * len(places)
        targets = [Target(vector.astype(np.float32), "cosine") for vector in moved]
        ordinals, total = self._reader.rows.ordinals, 0.0
        query_ids = list(self._collection.queries)
        for at, nearest in zip(places, self._reader.search_many(targets, wanted), strict=True):
            documents = (self._document_of.get(ordinal, "") for ordinal in ordinals[nearest.rows].tolist())
            first = list(dict.fromkeys(documents))[: self._k]
            relevant = relevant_of(self._collection, query_ids[at])
            total += sum(document in relevant for document in first) / len(relevant)
        return total


def relevant_of(collection: Collection, query_id: str) -> list[str]:
    """Return the relevant documents of a query, in the order of their ids."""
    return sorted(document for document, grade in collection.qrels[query_id].items() if grade > 0)


def with_adapter(spec: RetrieverSpec, path: str) -> RetrieverSpec:
    """Return a mode in which everything that searches vectors has an adapter."""
    options = {name: _with_adapter(value, path) for name, value in spec.options.items()}
    if spec.mode in _WITH_VECTORS:
        options["adapter"] = path
    retrievers = tuple(with_adapter(each, path) for each in spec.retrievers)
    return RetrieverSpec(mode=spec.mode, provider=spec.provider, retrievers=retrievers, **options)


def _with_adapter(value: Any, path: str) -> Any:
    if isinstance(value, RetrieverSpec):
        return with_adapter(value, path)
    if isinstance(value, list):
        return [_with_adapter(each, path) for each in value]
    if isinstance(value, dict):
        return {name: _with_adapter(each, path) for name, each in value.items()}
    return value


def specs_in(value: Any) -> Iterator[RetrieverSpec]:
    """Yield every retriever in a mode, or in the value of an option."""
    if isinstance(value, RetrieverSpec):
        yield value
        yield from specs_in([*value.retrievers, *value.options.values()])
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from specs_in(each)
    elif isinstance(value, dict):
        yield from specs_in(list(value.values()))


def _searched(index: Index, spec: RetrieverSpec) -> VectorRetriever:
    """Return the retriever whose vectors a mode searches."""
    index.as_retriever(spec)  # what cannot be built is told first
    found: dict[str, VectorRetriever] = {}
    for each in specs_in(spec):
        if each.mode not in _WITH_VECTORS:
            continue
        if "adapter" in each.options:
            raise ConfigError(f"{each} has an adapter already", fix="leave it out: it is learned from the start")
        built = index.as_retriever(each)
        vector = built.legs[-1].retriever if each.mode == "hybrid" and hasattr(built, "legs") else built
        if not isinstance(vector, VectorRetriever):
            raise ConfigError(f"{each} is not of retrieverkit-vector, and takes no adapter of this kind")
        found[vector.embedding_spec] = vector
    if not found:
        raise ConfigError(
            f"{spec} searches no vectors, so there is nothing to adapt",
            fix='name vector, hybrid or a mode around them; weights are learned with --learn weights, learn="weights"',
        )
    if len(found) > 1:
        raise ConfigError(
            f"{spec} searches the vectors of {len(found)} embeddings: {', '.join(found)}",
            fix="learn an adapter for each of them alone",
        )
    return next(iter(found.values()))


def _moved(found: QueryMap, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    starts = directions(vectors)
    read = starts if found.reads is None else starts @ found.reads.T.astype(np.float64)
    moved: NDArray[np.float64] = starts + read @ found.adds.astype(np.float64)
    vanished = ~(np.vecdot(moved, moved) > 1e-12)
    moved[vanished] = starts[vanished]
    return moved
