"""`Adapter`: a map of queries that belongs to one embedding."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from retrieverkit_core.errors import EmbeddingMismatchError, InvalidEmbeddingError, shorten
from retrieverkit_core.vectors import checked
from retrieverkit_vector.adapting.mapping import QueryMap, fitted_map, mean_direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from retrieverkit_vector.made_by import MadeBy

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

_SHOWN = 200
_END_MARKS = ".,;:!?…"
_AGAIN = "learn it again: retriever adapt; or leave the adapter out"


class Embedded(Protocol):
    """A state of an index, as far as adapters need it."""

    made_by: MadeBy
    dimension: int
    embed_queries: Embed | None
    embed_documents: Embed | None


@dataclass(frozen=True, slots=True)
class Examples:
    """The texts that an adapter of a fitted embedding is made from, as often as the model is fitted again.

    Attributes:
        queries: The queries.
        relevant: For each query the texts that are relevant for it.
    """

    queries: tuple[str, ...]
    relevant: tuple[tuple[str, ...], ...]

    def fitted(self, state: Embedded, strength: float, share: float) -> QueryMap | None:
        """Return the map for what a fitted model embeds; None where that knows none of the words."""
        embed_queries, embed_documents, dimension = state.embed_queries, state.embed_documents, state.dimension
        if embed_queries is None or embed_documents is None:
            return None
        starts = checked(embed_queries(self.queries), len(self.queries), dimension, allow_zero=True)
        every = list(dict.fromkeys(text for texts in self.relevant for text in texts))
        vectors = checked(embed_documents(every), len(every), dimension, allow_zero=True)
        places = {text: place for place, text in enumerate(every)}
        ends = np.array([mean_direction(vectors[[places[text] for text in texts]]) for texts in self.relevant])
        known = starts.any(axis=1) & ends.any(axis=1)
        return fitted_map(starts[known], ends[known], strength, share) if known.any() else None


@dataclass(frozen=True, slots=True)
class Adapter:
    """What was learned from judged queries for one embedding.

    That of a model at hand is a map; that of an embedding which is fitted to the corpus is the examples, from which the
    map is made for each fitted model.

    Attributes:
        embedding: The spec that names the embedding, for messages.
        made_by: What made the vectors that it was learned from.
        strength: What moving a query cost when it was learned.
        share: How much of the way queries are moved.
        queries: What `digest` returns for each query it was learned from.
        measured: What the measurement said, such as ``"R@10 0.713 → 0.806 on queries that were held out"``.
        learned: The map, or the examples.
    """

    embedding: str
    made_by: MadeBy
    strength: float
    share: float
    queries: frozenset[str]
    measured: str
    learned: QueryMap | Examples

    def check_embedding(self, fingerprint: str, spec: str) -> None:
        """Refuse another embedding than the adapter was learned for.

        Args:
            fingerprint: That of the embedding; of one that is fitted, that of the method.
            spec: What it is called.

        Raises:
            EmbeddingMismatchError: It is another one.
        """
        if fingerprint != self.made_by.embedding:
            raise EmbeddingMismatchError(
                f"the adapter was learned for the embedding {self.embedding!r} ({self.made_by.embedding}); here it is "
                f"{spec!r} ({fingerprint})",
                fix=_AGAIN,
            )

    def bound(self, state: Embedded, spec: str) -> QueryMap:
        """Return the map for the vectors of an index.

        Args:
            state: A state of the index that embeds queries.
            spec: What its embedding is called.

        Raises:
            EmbeddingMismatchError: Another embedding made them, or it knows nothing of the examples.
            InvalidEmbeddingError: The model gives what is not a vector.
        """
        made_by = state.made_by
        self.check_embedding(made_by.embedding, spec)
        if isinstance(self.learned, Examples):
            found = self.learned.fitted(state, self.strength, self.share)
            if found is None:
                raise EmbeddingMismatchError(
                    f"{spec!r}, as it is fitted here, knows no word of what the adapter was learned from", fix=_AGAIN
                )
            return found
        if self.made_by.probe and made_by.probe and self.made_by.probe != made_by.probe:
            raise EmbeddingMismatchError(
                f"the adapter was learned for another model of the name {spec!r}: it embeds the same texts differently",
                fix=_AGAIN,
            )
        if self.learned.dimension != state.dimension:
            raise EmbeddingMismatchError(
                f"the adapter moves vectors of {self.learned.dimension} numbers; those of {spec!r} have "
                f"{state.dimension}",
                fix=_AGAIN,
            )
        return self.learned

    def note(self, name: str, made_by: MadeBy) -> str:
        """Return what a result tells of it.

        Args:
            name: What the adapter is called, such as its file.
            made_by: What made the vectors that were searched.
        """
        again = isinstance(self.learned, Examples) and self.made_by.model != made_by.model
        told = "; fitted again to the corpus, which has changed since" if again else ""
        measured = shorten(self.measured, _SHOWN)  # a file may come from others: it is one line
        return f"adapter: {shorten(name, _SHOWN)}, learned from {len(self.queries)} queries ({measured}){told}"


def asked_words(query: str) -> str:
    """Return the words of a query, the same for queries that differ in case, spaces and marks behind words alone."""
    words = unicodedata.normalize("NFKC", query).casefold().split()
    return " ".join(filter(None, (word.rstrip(_END_MARKS) for word in words))) or " ".join(words)


def digest(query: str) -> str:
    """Return a short digest of a query's words, by which it is known again without being written down."""
    return hashlib.sha256(asked_words(query).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def check_finite(array: NDArray[np.float32]) -> None:
    """Refuse a map that holds what is not a number.

    Raises:
        InvalidEmbeddingError: It does.
    """
    if not np.isfinite(array).all():
        raise InvalidEmbeddingError("the adapter holds what is not a finite number", fix=_AGAIN)
