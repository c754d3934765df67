"""`Adapting`: the adapter of one retriever, bound to the states of its index."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit_core.errors import shorten
from retrieverkit_core.services import CorpusEmbedder
from retrieverkit_vector.adapting.adapter import Adapter, digest
from retrieverkit_vector.adapting.file import read_adapter

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.services import Embedder
    from retrieverkit_vector.adapting.mapping import QueryMap
    from retrieverkit_vector.made_by import MadeBy
    from retrieverkit_vector.reader import VectorReader

_MOVED = 1_000


class Adapting:
    """Moves queries by an adapter, and says so.

    Args:
        adapter: The adapter, or its file, which is read now.
        corpus: The corpus that is searched.
        embedding: Its embedding.
        spec: What that is called.

    Raises:
        ConfigError: The file cannot be used.
        EmbeddingMismatchError: The adapter was learned for another embedding.
    """

    def __init__(
        self,
        adapter: Adapter | str | os.PathLike[str],
        corpus: Corpus,
        embedding: Embedder | CorpusEmbedder,
        spec: str,
    ) -> None:
        if isinstance(adapter, Adapter):
            self._adapter, self._name = adapter, "given as an object"
        else:
            self._adapter, self._name = read_adapter(adapter), Path(adapter).name
        self._spec = spec
        method = embedding.in_language(corpus.settings.language) if isinstance(embedding, CorpusEmbedder) else embedding
        self._adapter.check_embedding(method.fingerprint, spec)
        self._bound: tuple[MadeBy, QueryMap] | None = None
        self._moved: deque[int] = deque(maxlen=_MOVED)

    def bound(self, reader: VectorReader) -> QueryMap:
        """Return the map for the vectors of a state of the index.

        Raises:
            EmbeddingMismatchError: Another embedding made them.
        """
        known = self._bound
        if known is None or known[0] != reader.made_by:
            known = self._bound = reader.made_by, self._adapter.bound(reader, self._spec)
        return known[1]

    def moved(self, embedding: tuple[float, ...]) -> None:
        """Take note of a vector that was made from an adapted one, so that nobody is told it was not adapted."""
        self._moved.append(hash(embedding))

    def learned_from(self, query: str) -> bool:
        """Return whether the adapter was learned from a query of these words."""
        return digest(query) in self._adapter.queries

    def note(self, reader: VectorReader, query: QueryBundle) -> str:
        """Return what the result of a query tells of the adapter."""
        if query.embedding is not None and hash(query.embedding) not in self._moved:
            return f"adapter: {shorten(self._name, 200)}, not applied, as the query brings its own vector"
        return self._adapter.note(self._name, reader.made_by)
