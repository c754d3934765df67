"""From nodes to vectors: the node's own, else its text embedded.

A node whose text is blank, or of which a fitted model knows no term, has no vector and is never found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from retrieverkit_core.corpus import IndexSettings, StoredNode, searched_text
from retrieverkit_core.errors import InvalidEmbeddingError, shorten
from retrieverkit_core.nodes import Node
from retrieverkit_core.vectors import checked
from retrieverkit_vector.segments import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_core.services import Embedder

NoteTexts = Callable[[Sequence[int], Sequence[str]], None]

_BATCH = 1024
_EMBEDDED = 128
"""Fewer, for a model takes its time: whoever watches should see it come on."""


def embedded(
    nodes: Iterable[StoredNode], embedder: Embedder, name: str, settings: IndexSettings, note_texts: NoteTexts
) -> Iterator[Batch]:
    """Yield the vectors of ``nodes``, batch by batch.

    Args:
        nodes: The nodes.
        embedder: The model.
        name: What it is called, for messages.
        settings: Those of the corpus.
        note_texts: Is told the ordinals of the nodes whose texts are embedded, and the texts.

    Raises:
        InvalidEmbeddingError: A node's own vector, or one of the model's, cannot be used.
        ServiceError: The model cannot answer.
    """
    for batch in _batches(nodes, _EMBEDDED):
        vectors = np.zeros((len(batch), embedder.dimension), np.float32)
        places, texts = [], []
        for place, (_, node) in enumerate(batch):
            if node.embedding is not None:
                vectors[place] = own_vector(node, embedder.dimension, f"those of {name!r} have")
            elif (text := searched_text(node, settings)).strip():
                places.append(place)
                texts.append(text)
        if texts:
            vectors[places] = embedder.embed_documents(texts)
            note_texts([batch[place].ordinal for place in places], texts)
        yield np.array([ordinal for ordinal, _ in batch], np.int64), vectors


def texts_to_embed(nodes: Iterable[StoredNode], settings: IndexSettings) -> Iterator[list[str]]:
    """Yield the texts that `embedded` gives the model for ``nodes``, batch by batch."""
    for batch in _batches(nodes, _EMBEDDED):
        texts = (searched_text(node, settings) for _, node in batch if node.embedding is None)
        yield [text for text in texts if text.strip()]


def folded_in(
    ordinals: Sequence[int], texts: Sequence[str], model: Embedder, known: NDArray[np.float32] | None = None
) -> Iterator[Batch]:
    """Yield the vectors that a fitted model gives ``texts``, batch by batch.

    Args:
        ordinals: The ordinals of the texts' nodes.
        texts: The texts.
        model: The model.
        known: The vectors of the first of the texts, where they are at hand.

    Raises:
        InvalidEmbeddingError: A vector cannot be used.
    """
    first = 0 if known is None else len(known)
    for start in chain(range(0, first, _BATCH), range(first, len(texts), _BATCH)):
        part = texts[start : min(start + _BATCH, first if start < first else len(texts))]
        vectors = model.embed_documents(part) if known is None or start >= first else known[start:][: len(part)]
        checked_vectors = checked(vectors, len(part), model.dimension, allow_zero=True)
        yield np.array(ordinals[start : start + len(part)], np.int64), checked_vectors


def brought(nodes: Iterable[StoredNode], dimension: int) -> Iterator[Batch]:
    """Yield the vectors that every node of ``nodes`` brings itself, batch by batch.

    Args:
        nodes: The nodes.
        dimension: The length that each vector must have; 0 for that of the first.

    Raises:
        InvalidEmbeddingError: A node's vector cannot be used.
    """
    for batch in _batches(nodes):
        dimension = dimension or len(batch[0].node.embedding or ())
        vectors = [own_vector(node, dimension, "the others have") for _, node in batch]
        yield np.array([ordinal for ordinal, _ in batch], np.int64), np.array(vectors, np.float32)


def own_vector(node: Node, dimension: int, others: str) -> NDArray[np.float32]:
    """Return the vector that a node brings itself.

    Raises:
        InvalidEmbeddingError: It has another length, is zero, or is not finite.
    """
    given = node.embedding or []
    if len(given) != dimension:
        raise InvalidEmbeddingError(
            f"node {shorten(node.id)!r} brings a vector of {len(given)} numbers; {others} {dimension}",
            fix="name the embedding that made it, or leave the vector out",
        )
    try:
        vector: NDArray[np.float32] = checked([given], 1, dimension)[0]
    except InvalidEmbeddingError as error:
        raise InvalidEmbeddingError(
            f"node {shorten(node.id)!r} brings a vector that cannot be used: {error.message}",
            fix="mend the vector or leave it out",
        ) from error
    return vector


def _batches(nodes: Iterable[StoredNode], size: int = _BATCH) -> Iterator[list[StoredNode]]:
    remaining = iter(nodes)
    while batch := list(islice(remaining, size)):
        yield batch
