"""The embedding of one index: a model at hand, or one that is fitted to the corpus and kept with its vectors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.errors import EmbeddingMismatchError, InvalidEmbeddingError
from retrieverkit_indexing.analysis import indexed_text
from retrieverkit_indexing.derived import RebuildRequired
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache, require_same_model
from retrieverkit_vector.fits import Fit, Refit, counted, refit
from retrieverkit_vector.layout import Layout
from retrieverkit_vector.segments import Batch
from retrieverkit_vector.vectors import brought, embedded, folded_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit_core.services import CorpusEmbedder, Embedder

    EmbedQueries = Callable[[Sequence[str]], NDArray[np.float32]]

_MODEL = "model"


class IndexModel(Protocol):
    """How an index gets its vectors."""

    def build(self, folder: Path, nodes: Iterable[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of all nodes; note in ``layout`` what they were made with."""
        ...

    def update(self, folder: Path, removed: Sequence[int], added: list[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of new nodes; note in ``layout`` what has changed.

        Raises:
            RebuildRequired: The vectors there are will not do any more.
            EmbeddingMismatchError: The model is another one than made the vectors there are.
        """
        ...

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return what embeds queries, None where nothing can.

        Raises:
            EmbeddingMismatchError: The model is another one than made the vectors there are. Where that takes asking
                the model, what is returned raises it.
        """
        ...


class ModelAtHand:
    """A model that needs no corpus. Its vectors are remembered, so that a rebuild pays nothing.

    Args:
        embedder: The model.
        name: What it is called, for messages.
        storage: The folder that the corpus's indexes live under.
    """

    def __init__(self, embedder: Embedder, name: str, storage: Path) -> None:
        self._asked = embedder
        self._embedder = CachedEmbedder(embedder, EmbeddingCache(storage))
        self._name = name
        self._index = str(storage.parent)

    def build(self, folder: Path, nodes: Iterable[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of all nodes."""
        layout.fingerprint, layout.dimension = self._embedder.fingerprint, self._embedder.dimension
        for batch in embedded(nodes, self._embedder, self._name):
            layout.probe = layout.probe or self._embedder.probe()
            yield batch

    def update(self, folder: Path, removed: Sequence[int], added: list[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of new nodes."""
        if added:
            self._require_same(layout)
            layout.probe = layout.probe or self._embedder.probe()
        yield from embedded(added, self._embedder, self._name)

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return the model; it is asked for its probe when it is first used."""
        _require_same_fingerprint(layout.fingerprint, self._asked.fingerprint, self._name, self._index)

        compared = False

        def embed_queries(texts: Sequence[str]) -> NDArray[np.float32]:
            nonlocal compared
            if not compared:
                self._require_same(layout)
                compared = True
            return self._asked.embed_queries(texts)

        return embed_queries

    def _require_same(self, layout: Layout) -> None:
        _require_same_fingerprint(layout.fingerprint, self._asked.fingerprint, self._name, self._index)
        if layout.probe:
            require_same_model(layout.probe, self._embedder.probe(), model=self._name, index=self._index)


class FittedModel:
    """A model that is fitted to the texts of the corpus.

    Where every node brings its own vector nothing is fitted, and only queries that bring theirs too are answered.

    Args:
        embedding: The method.
        name: What it is called, for messages.
        storage: The folder that the corpus's indexes live under.
    """

    def __init__(self, embedding: CorpusEmbedder, name: str, storage: Path) -> None:
        self._embedding = embedding
        self._name = name
        self._index = str(storage.parent)
        self._loaded: tuple[str, Embedder] | None = None
        self._refit = Refit()

    def build(self, folder: Path, nodes: Iterable[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Fit the model and yield the vectors of all nodes."""
        wanted, self._refit = self._refit, Refit()
        layout.fingerprint = self._embedding.fingerprint
        own: list[StoredNode] = []
        ordinals, texts = [], []
        for stored in nodes:
            if stored.node.embedding is not None:
                own.append(stored)
            else:
                ordinals.append(stored.ordinal)
                texts.append(indexed_text(stored.node))
        if own:
            self._refuse_mixture(bool(texts))
            layout.dimension = len(own[0].node.embedding or ())
            yield from brought(own, layout.dimension)
        elif texts:
            (folder / _MODEL).mkdir()
            count = (wanted.until and bisect_right(ordinals, wanted.until)) or len(texts)
            known = self._embedding.fit(texts[:count], folder / _MODEL)
            layout.model, layout.latest = uuid4().hex, ordinals[-1]
            layout.fits = [*wanted.before, Fit(ordinals[count - 1], count, later=len(texts) - count)]
            model = self._model(folder, layout)
            layout.dimension = model.dimension
            yield from folded_in(ordinals, texts, model, known)

    def update(self, folder: Path, removed: Sequence[int], added: list[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of new nodes."""
        _require_same_fingerprint(layout.fingerprint, self._embedding.fingerprint, self._name, self._index)
        own = [stored for stored in added if stored.node.embedding is not None]
        others = [stored for stored in added if stored.node.embedding is None]
        if not layout.model:
            if others or not layout.dimension:
                raise RebuildRequired("there are texts to fit a model to")
            yield from brought(own, layout.dimension)
            return
        self._refuse_mixture(bool(own))
        layout.fits = counted(layout.fits, layout.latest, removed, len(added))
        layout.latest = max([layout.latest, *(stored.ordinal for stored in added)])
        if wanted := refit(layout.fits, self._embedding.outgrown):
            self._refit = wanted
            raise RebuildRequired("the corpus has outgrown the model that was fitted to it")
        texts = [indexed_text(stored.node) for stored in others]
        yield from folded_in([stored.ordinal for stored in others], texts, self._model(folder, layout))

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return the model as it was fitted."""
        _require_same_fingerprint(layout.fingerprint, self._embedding.fingerprint, self._name, self._index)
        return self._model(folder, layout).embed_queries if layout.model else None

    def _model(self, folder: Path, layout: Layout) -> Embedder:
        if self._loaded is None or self._loaded[0] != layout.model:
            self._loaded = layout.model, self._embedding.load(folder / _MODEL)
        return self._loaded[1]

    def _refuse_mixture(self, mixed: bool) -> None:
        if mixed:
            raise InvalidEmbeddingError(
                f"some nodes bring their own vector and some do not; {self._name!r} is fitted to this corpus, and its "
                "vectors cannot be compared with theirs",
                fix="name the embedding that made the nodes' vectors, or leave them out",
            )


def _require_same_fingerprint(stored: str, now: str, name: str, index: str) -> None:
    if stored != now:
        raise EmbeddingMismatchError(
            f"the embedding {name!r} is {now}; the index was built with {stored}",
            fix=f"put the former model back, or embed everything again: retriever reindex --index {index}",
        )
