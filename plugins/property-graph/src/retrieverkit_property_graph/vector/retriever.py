"""`GraphVectorRetriever`: entities that are near the query in meaning, and the relations around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import CorpusEmbedder, Embedder, texts_per_call
from retrieverkit_indexing.embeddings import CachedEmbedder
from retrieverkit_indexing.text_vectors import TextModel, TextVectors, query_vector
from retrieverkit_property_graph.graph_retriever import GraphRetriever, Match, Walked
from retrieverkit_property_graph.paths import walk
from retrieverkit_property_graph.vector.options import COSINES, GraphVectorOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_property_graph.graph.view import EntityFacts, GraphView

UNKNOWN = "the embedding knows none of the query's words, so nothing was compared"

_KEPT = 4
"""For this many views the names are kept."""


class _Names(NamedTuple):
    """The entities of a view, by ascending id, and what is embedded of each."""

    ids: NDArray[np.int64]
    texts: list[str]


class GraphVectorRetriever(GraphRetriever):
    """Compares the query with the entities, and finds the nodes that name the nearest ones or relate them to others.

    An entity is embedded by its name and labels, once: vectors are kept by text and model. The score of a relation is
    the higher one of the cosines of its two ends; that of an entity its own. What the embedding knows nothing of has
    no score and is not found.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        embedding: What turns names into vectors. One that must be fitted is fitted to all nodes, and again with each
            change.
        embedding_spec: The spec that names the embedding; by default its fingerprint.
        **given: Options (`GraphVectorOptions`), and what `GraphRetriever` takes.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    scores = COSINES
    name = "graph_vector"
    options_type = GraphVectorOptions

    options: GraphVectorOptions

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        embedding: Embedder | CorpusEmbedder,
        *,
        embedding_spec: str = "",
        **given: Any,
    ) -> None:
        super().__init__(corpus, storage, **given)
        self._embedding = embedding
        self._model = TextModel(corpus, Path(storage), embedding, embedding_spec)
        self._vectors: TextVectors[str] = TextVectors(list)
        self._kept: tuple[tuple[object, _Names], ...] = ()
        self._most = 0
        self.notes = (*self.notes, f"embedding: {self._model.spec}")

    def _walk(self, view: GraphView, query_bundle: QueryBundle) -> Walked:
        options = self.options
        model = self._model.current()
        if model is None:
            return Walked(())
        vector = query_vector(model, query_bundle)
        if vector is None:
            # under a scope this would tell which words stand outside of it
            return Walked((), () if query_bundle.scope is not None else (f"{self.name}: {UNKNOWN}",))
        names = self._names(view)
        self._most = max(self._most, len(names.texts))
        cosines = self._vectors.nearness(model, vector, names.texts, self._most)
        if options.min_similarity is not None:
            cosines = np.where(cosines < options.min_similarity, np.nan, cosines)
        nearest = _nearest(names.texts, cosines, options.max_entities)
        starts = names.ids[nearest].tolist()
        matches = [Match(float(cosines[at]), entity=entity) for at, entity in zip(nearest, starts, strict=True)]
        paths = walk(view, starts, depth=options.depth, limit=options.limit)
        facts = {fact.id: fact for fact in view.relations(sorted(path[-1] for path in paths))}
        for path in paths:
            last = facts[path[-1]]
            ends = cosines[np.searchsorted(names.ids, [last.subject, last.object])]
            if not np.isnan(ends).all():
                matches.append(Match(float(np.nanmax(ends)), path))
        return Walked(matches)

    def _names(self, view: GraphView) -> _Names:
        """Return the entities that the view shows; those of the last views are kept for the next queries."""
        arrays = view.arrays()
        for known, names in self._kept:
            if known is arrays:
                return names
        names = _Names(arrays.entities, [_text_of(entity) for entity in view.entities(arrays.entities.tolist())])
        self._kept = ((arrays, names), *self._kept[: _KEPT - 1])
        return names

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        each = texts_per_call(self._embedding)
        asks: int | None = 0
        if query_bundle.embedding is None and each != 0:
            words = sum(bool(text.strip()) for text in query_bundle.embedding_strs)
            asks = None if each is None else -(-words // each)
        embeds = Plan("vectors", "embeds the names of entities, but for those that have been", once=True)
        if each != 0:
            embeds = replace(embeds, embedding_calls=self._name_calls(query_bundle))
        does = "compares the query with the names of entities, and walks from the nearest ones"
        return Plan(self.name, does, embedding_calls=asks, parts=(*self._index_plan(query_bundle), embeds))

    def _name_calls(self, query_bundle: QueryBundle) -> int | None:
        """Return how often the model is asked for names, None where they are not known without work."""
        reader, model = self.index.opened, self._model.current()
        limited = query_bundle.filters is not None or query_bundle.scope is not None
        if limited or reader is None or self.index.pending() is not None or not isinstance(model, CachedEmbedder):
            return None
        with reader.view(None) as view:
            missing = self._vectors.missing(model, self._names(view).texts)
        return model.expected(missing)[1]


def _text_of(entity: EntityFacts) -> str:
    """Return what is embedded of an entity."""
    return f"{entity.name} ({', '.join(entity.labels)})" if entity.labels else entity.name


def _nearest(texts: Sequence[str], cosines: NDArray[np.float64], count: int) -> list[int]:
    """Return the places of the highest cosines, equal ones by their texts."""
    there = np.flatnonzero(~np.isnan(cosines))
    if len(there) > count:
        least = np.partition(cosines[there], -count)[-count]
        there = there[cosines[there] >= least]
    return sorted(there.tolist(), key=lambda at: (-cosines[at], texts[at]))[:count]
