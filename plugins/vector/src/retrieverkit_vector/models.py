"""The embedding of one index: a model at hand, or one that is fitted to the corpus and kept with its vectors."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from retrieverkit_core.corpus import Corpus, StoredNode, searched_text
from retrieverkit_core.errors import EmbeddingMismatchError, InvalidEmbeddingError
from retrieverkit_core.services import BoundedEmbedder
from retrieverkit_indexing.derived import RebuildRequired
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache, require_same_model
from retrieverkit_vector.fits import Fit, Refit, counted, refit
from retrieverkit_vector.layout import Layout
from retrieverkit_vector.made_by import MadeBy
from retrieverkit_vector.segments import Batch
from retrieverkit_vector.vectors import brought, embedded, folded_in, texts_to_embed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit_core.services import CorpusEmbedder, Embedder

    EmbedQueries = Callable[[Sequence[str]], NDArray[np.float32]]
    EmbedDocuments = Callable[[Sequence[str]], NDArray[np.float32]]

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

    def longer(self) -> list[int]:
        """Return the ordinals of the nodes since the last call whose texts are longer than the model reads."""
        ...

    def note(self, longer: int) -> str:
        """Return what to tell of so many nodes whose texts are longer than the model reads."""
        ...

    def expected(self, nodes: Iterable[StoredNode], *, probes: bool) -> tuple[int, int | None]:
        """Return how many texts of new nodes the model would be asked for, and by how many paid requests.

        Args:
            nodes: The nodes.
            probes: Whether the model would be compared with the one that made the vectors there are.
        """
        ...

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return what embeds queries, None where nothing can.

        Raises:
            EmbeddingMismatchError: The model is another one than made the vectors there are. Where that takes asking
                the model, what is returned raises it.
        """
        ...

    def for_documents(self, folder: Path, layout: Layout) -> EmbedDocuments | None:
        """Return what embeds texts as those of nodes, None where nothing can; queries are embedded first."""
        ...

    def made_by(self, folder: Path, layout: Layout) -> MadeBy:
        """Return what made the vectors there are."""
        ...


class ModelAtHand:
    """A model that needs no corpus. Its vectors are remembered, so that a rebuild pays nothing.

    Args:
        embedder: The model.
        name: What it is called, for messages.
        corpus: Whose texts it embeds.
        storage: The folder that the corpus's indexes live under.
    """

    def __init__(self, embedder: Embedder, name: str, corpus: Corpus, storage: Path) -> None:
        self._asked = embedder
        self._embedder = CachedEmbedder(embedder, EmbeddingCache(storage if corpus.writable else None))
        self._corpus = corpus
        self._name = name
        self._index = str(storage.parent)
        self._longer: list[int] = []

    def build(self, folder: Path, nodes: Iterable[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of all nodes."""
        settings = self._corpus.settings
        layout.searched = list(settings.searched)
        nodes = iter(nodes)
        if (first := next(nodes, None)) is not None:
            layout.probe = self._embedder.probe()  # before the dimension, which comes with it
            nodes = chain((first,), nodes)
        layout.fingerprint, layout.dimension = self._embedder.fingerprint, self._embedder.dimension
        yield from embedded(nodes, self._embedder, self._name, settings, self._note_texts)

    def update(self, folder: Path, removed: Sequence[int], added: list[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of new nodes."""
        settings = self._corpus.settings
        if layout.searched != list(settings.searched):
            raise RebuildRequired("other fields are searched now")
        if added:
            self._require_same(layout)
            layout.probe = layout.probe or self._embedder.probe()
        return embedded(added, self._embedder, self._name, settings, self._note_texts)

    def longer(self) -> list[int]:
        """Return the ordinals of the nodes since the last call whose texts are longer than the model reads."""
        found, self._longer = self._longer, []
        return found

    def note(self, longer: int) -> str:
        """Return what to tell of so many nodes whose texts are longer than the model reads."""
        if not longer or not isinstance(self._asked, BoundedEmbedder):
            return ""
        nodes = "1 node is" if longer == 1 else f"{longer} nodes are"
        return (
            f"vector: {nodes} longer than the {self._asked.max_tokens} tokens that {self._name} reads, and found by "
            "what those say alone; shorter nodes or another embedding would find the rest"
        )

    def _note_texts(self, ordinals: Sequence[int], texts: Sequence[str]) -> None:
        if isinstance(self._asked, BoundedEmbedder):
            longer = self._asked.longer(texts)
            self._longer += [ordinal for ordinal, too_long in zip(ordinals, longer, strict=True) if too_long]

    def expected(self, nodes: Iterable[StoredNode], *, probes: bool) -> tuple[int, int | None]:
        """Return how many texts of new nodes the model would be asked for, and by how many paid requests."""
        return self._embedder.expected(texts_to_embed(nodes, self._corpus.settings), probes=probes)

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return the model; it is asked for its probe when it is first used."""
        _require_same_fingerprint(layout.fingerprint, self._asked.fingerprint, self._name, self._index)
        return ComparedFirst(self._asked, lambda: self._require_same(layout))

    def for_documents(self, folder: Path, layout: Layout) -> EmbedDocuments | None:
        """Return the model, whose vectors are remembered."""
        return self._embedder.embed_documents

    def made_by(self, folder: Path, layout: Layout) -> MadeBy:
        """Return the model's fingerprint and probe."""
        return MadeBy(layout.fingerprint, probe=layout.probe)

    def _require_same(self, layout: Layout) -> None:
        _require_same_fingerprint(layout.fingerprint, self._asked.fingerprint, self._name, self._index)
        if layout.probe:
            require_same_model(layout.probe, self._embedder.probe(), model=self._name, index=self._index)


class ComparedFirst:
    """Embeds queries by a model that is compared with the one that made the vectors when it is first used.

    Args:
        model: The model.
        compare: Raises where it is another model.

    Attributes:
        compared: Whether it has been.
    """

    def __init__(self, model: Embedder, compare: Callable[[], None]) -> None:
        self._model = model
        self._compare = compare
        self.compared = False

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per query."""
        if not self.compared:
            self._compare()
            self.compared = True
        return self._model.embed_queries(texts)


class FittedModel:
    """A model that is fitted to the texts of the corpus.

    Where every node brings its own vector nothing is fitted, and only queries that bring theirs too are answered.

    Args:
        embedding: The method.
        name: What it is called, for messages.
        corpus: The corpus.
        storage: The folder that the corpus's indexes live under.
    """

    def __init__(self, embedding: CorpusEmbedder, name: str, corpus: Corpus, storage: Path) -> None:
        self._method = embedding
        self._corpus = corpus
        self._name = name
        self._index = str(storage.parent)
        self._loaded: tuple[str, Embedder] | None = None
        self._refit = Refit()

    def build(self, folder: Path, nodes: Iterable[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Fit the model and yield the vectors of all nodes."""
        wanted, self._refit = self._refit, Refit()
        settings = self._corpus.settings
        embedding = self._method.in_language(settings.language)
        layout.searched, layout.language = list(settings.searched), settings.language
        layout.fingerprint = embedding.fingerprint
        own: list[StoredNode] = []
        ordinals, texts = [], []
        for stored in nodes:
            if stored.node.embedding is not None:
                own.append(stored)
            else:
                ordinals.append(stored.ordinal)
                texts.append(searched_text(stored.node, settings))
        if own:
            self._refuse_mixture(bool(texts))
            layout.dimension = len(own[0].node.embedding or ())
            yield from brought(own, layout.dimension)
        elif texts:
            (folder / _MODEL).mkdir()
            count = (wanted.until and bisect_right(ordinals, wanted.until)) or len(texts)
            known = embedding.fit(texts[:count], folder / _MODEL)
            layout.model, layout.latest = uuid4().hex, ordinals[-1]
            layout.fits = [*wanted.before, Fit(ordinals[count - 1], count, later=len(texts) - count)]
            model = self._model(folder, layout)
            layout.dimension = model.dimension
            yield from folded_in(ordinals, texts, model, known)

    def update(self, folder: Path, removed: Sequence[int], added: list[StoredNode], layout: Layout) -> Iterator[Batch]:
        """Yield the vectors of new nodes."""
        settings = self._corpus.settings
        if layout.searched != list(settings.searched):
            raise RebuildRequired("other fields are searched now")
        if layout.language != settings.language:
            raise RebuildRequired("the corpus is in another language now")
        embedding = self._same_method(layout)
        own = [stored for stored in added if stored.node.embedding is not None]
        others = [stored for stored in added if stored.node.embedding is None]
        if not layout.model:
            if others or not layout.dimension:
                raise RebuildRequired("there are texts to fit a model to")
            return brought(own, layout.dimension)
        self._refuse_mixture(bool(own))
        layout.fits = counted(layout.fits, layout.latest, removed, len(added))
        layout.latest = max([layout.latest, *(stored.ordinal for stored in added)])
        if wanted := refit(layout.fits, embedding.outgrown):
            self._refit = wanted
            raise RebuildRequired("the corpus has outgrown the model that was fitted to it")
        texts = [searched_text(stored.node, settings) for stored in others]
        return folded_in([stored.ordinal for stored in others], texts, self._model(folder, layout))

    def longer(self) -> list[int]:
        """Return nothing: a fitted model reads all of a text."""
        return []

    def note(self, longer: int) -> str:
        """Return "": there is nothing to tell."""
        return ""

    def expected(self, nodes: Iterable[StoredNode], *, probes: bool) -> tuple[int, int | None]:
        """Return nothing: the model is fitted and asked here."""
        return 0, 0

    def for_queries(self, folder: Path, layout: Layout) -> EmbedQueries | None:
        """Return the model as it was fitted."""
        self._same_method(layout)
        return self._model(folder, layout).embed_queries if layout.model else None

    def for_documents(self, folder: Path, layout: Layout) -> EmbedDocuments | None:
        """Return the model as it was fitted."""
        return self._model(folder, layout).embed_documents if layout.model else None

    def made_by(self, folder: Path, layout: Layout) -> MadeBy:
        """Return the fingerprints of the method and of the model that was fitted."""
        return MadeBy(layout.fingerprint, self._model(folder, layout).fingerprint if layout.model else "")

    def _model(self, folder: Path, layout: Layout) -> Embedder:
        if self._loaded is None or self._loaded[0] != layout.model:
            self._loaded = layout.model, self._same_method(layout).load(folder / _MODEL)
        return self._loaded[1]

    def _same_method(self, layout: Layout) -> CorpusEmbedder:
        """Return the method in the language that the stored model was fitted in."""
        embedding = self._method.in_language(layout.language)
        _require_same_fingerprint(layout.fingerprint, embedding.fingerprint, self._name, self._index)
        return embedding

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
