"""`TextModel`: the index's embedding for texts that no vector index holds: summaries, names, queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from retrieverkit_core.corpus import Corpus, StoredNode, searched_text
from retrieverkit_core.services import CorpusEmbedder, Embedder
from retrieverkit_indexing.derived import DerivedIndex, RebuildRequired
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache

_MODEL = "model"
_LANGUAGE = "language"


class TextModel:
    """An embedding as it is now.

    Args:
        corpus: What an embedding that must be fitted is fitted to.
        storage: The folder that the corpus's indexes live under.
        embedding: The embedding.
        spec: The spec that names it; by default its fingerprint.

    Attributes:
        spec: The spec that names the embedding.
    """

    def __init__(self, corpus: Corpus, storage: Path, embedding: Embedder | CorpusEmbedder, spec: str = "") -> None:
        self.spec = spec or f"object:{embedding.fingerprint}"
        self._fitted: _FittedModel | None = None
        self._at_hand: CachedEmbedder | None = None
        if isinstance(embedding, CorpusEmbedder):
            self._fitted = _FittedModel(corpus, storage, embedding, self.spec)
        else:
            self._at_hand = CachedEmbedder(embedding, EmbeddingCache(storage if corpus.writable else None))

    def current(self) -> Embedder | None:
        """Return what embeds texts, None where there is no text that it could be fitted to.

        Texts that it knows nothing of have zero vectors. What a model at hand gives documents is remembered.

        Raises:
            ServiceError: The model cannot be fitted or loaded.
        """
        return self._at_hand if self._fitted is None else self._fitted.reader()


class _FittedModel(DerivedIndex["Embedder | None"]):
    """A model that is fitted to the nodes there are, again with every change: it depends on nothing that was before.

    What is embedded by it is not stored, so nothing has to be embedded again with it.
    """

    name = "text_model"
    format_version = 1

    def __init__(self, corpus: Corpus, storage: Path, embedding: CorpusEmbedder, spec: str) -> None:
        super().__init__(corpus, storage, {"embedding": spec}, uses=(embedding,))
        self._embedding = embedding

    def build(self, folder: Path, nodes: Iterable[StoredNode]) -> None:
        """Fit the model to every node."""
        settings = self.corpus.settings
        texts = sorted(searched_text(node, settings) for _, node in nodes)  # also rounding is that of what is there
        (folder / _LANGUAGE).write_text(settings.language, "utf-8")
        if any(text.strip() for text in texts):
            (folder / _MODEL).mkdir()
            self._embedding.in_language(settings.language).fit(texts, folder / _MODEL)

    def update(self, folder: Path, removed: Sequence[int], added: Iterable[StoredNode]) -> None:
        """Refuse.

        Raises:
            RebuildRequired: Always.
        """
        raise RebuildRequired("the model is fitted to all there is")

    def open(self, folder: Path) -> Embedder | None:
        """Load the model."""
        language = (folder / _LANGUAGE).read_text("utf-8")
        model = folder / _MODEL
        return self._embedding.in_language(language).load(model) if model.exists() else None
