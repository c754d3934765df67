"""Comparing what other retrievers have found: the vectors of the index where it has them, else new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieverkit_core.corpus import Corpus, searched_text
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.retriever import Compared
from retrieverkit_core.vectors import checked
from retrieverkit_vector.rows import places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_vector.reader import VectorReader


def vectors_of(hits: Sequence[NodeWithScore], reader: VectorReader, corpus: Corpus) -> NDArray[np.float32]:
    """Return the vector of each hit, one per row; a row of zeros where there is none.

    Args:
        hits: The hits. Those that were found by ordinal in ``corpus`` have their vectors in the index.
        reader: A state of the index.
        corpus: The corpus of the index.
    """
    vectors = np.zeros((len(hits), reader.dimension), np.float32)
    ordinals = np.array([_ordinal(hit, corpus) for hit in hits], np.int64)
    rows = places_of(ordinals, reader.rows.ordinals) if reader.count else np.zeros(len(hits), np.int64)
    known = (rows < len(reader.rows)) & (ordinals > 0)
    vectors[known] = reader.rows.vectors(rows[known]) if known.any() else 0
    texts = {
        place: text
        for place in np.flatnonzero(~known).tolist()
        if ordinals[place] == 0 and (text := searched_text(hits[place].node, corpus.settings)).strip()
    }
    if texts and reader.embed_documents is not None:
        embedded = reader.embed_documents(list(texts.values()))
        vectors[list(texts)] = checked(embedded, len(texts), reader.dimension, allow_zero=True)
    return vectors


def comparison(query: NDArray[np.float32] | None, vectors: NDArray[np.float32]) -> Compared:
    """Return the cosines of ``vectors`` with the query and with each other."""
    units = vectors.astype(np.float64)
    lengths = np.sqrt(np.vecdot(units, units))
    has = lengths > 0
    units[has] /= lengths[has, None]
    nearness: list[float | None] = [None] * len(units)
    if query is not None:
        direction = query.astype(np.float64)
        cosines = np.clip(np.vecdot(units, direction / np.sqrt(direction @ direction)), -1.0, 1.0)
        nearness = [float(cosine) if there else None for cosine, there in zip(cosines, has, strict=True)]

    def likeness(place: int) -> Sequence[float]:
        likes: list[float] = np.clip(np.vecdot(units, units[place]), -1.0, 1.0).tolist()
        return likes

    return Compared(nearness, likeness)


def _ordinal(hit: NodeWithScore, corpus: Corpus) -> int:
    """Return a hit's ordinal in the corpus, 0 where it was not found there by one."""
    origin = hit._origin
    return origin[1] if origin is not None and origin[0] is corpus else 0
