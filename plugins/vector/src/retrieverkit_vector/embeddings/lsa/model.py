"""`LsaModel`: a fitted latent semantic analysis, read from its files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieverkit_core.errors import EmbeddingMismatchError, InvalidEmbeddingError
from retrieverkit_indexing.analysis import Analyzer

ROWS = "rows.npy"
"""A row a term, float32: the term's weight times its place in the fitted space."""
TERMS = "terms.json"
"""The terms, in the order of the rows."""
DESCRIPTION = "lsa.json"
"""``fitted``: the fingerprint, which hashes the other two files' contents. ``method``: the rules and options."""


class LsaModel:
    """Embeds texts by the terms it knows. It is an `Embedder`, safe to share between threads.

    A text without a known term has a zero vector: nothing is known of it.

    Args:
        folder: The files. The rows are memory-mapped.
        analyzer: Makes the terms of a text.
        method: The fingerprint of the rules and options that the model must have been fitted by.

    Raises:
        EmbeddingMismatchError: It was fitted by other rules or options.
        InvalidEmbeddingError: Its files are damaged.
    """

    def __init__(self, folder: Path, analyzer: Analyzer, method: str) -> None:
        try:
            description = json.loads((folder / DESCRIPTION).read_bytes())
            terms = json.loads((folder / TERMS).read_bytes())
            self._rows: NDArray[np.float32] = np.asarray(np.lib.format.open_memmap(folder / ROWS, mode="r"))
            self._fingerprint, fitted_by = str(description["fitted"]), str(description["method"])
            fits = self._rows.dtype == np.float32 and self._rows.ndim == 2 and len(self._rows) == len(terms)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise _damaged(folder) from error
        if not fits:
            raise _damaged(folder)
        if fitted_by != method:
            raise EmbeddingMismatchError(
                f"the model in {folder} was fitted by {fitted_by!r}, not by {method!r}",
                fix="embed everything again: retriever reindex --index DIR",
            )
        self._places = {term: place for place, term in enumerate(terms)}
        self._analyzer = analyzer

    @property
    def fingerprint(self) -> str:
        """Names the fitted model by its contents."""
        return self._fingerprint

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return int(self._rows.shape[1])

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text of length 1, or 0 for a text without a known term."""
        from retrieverkit_vector.embeddings.lsa.counts import count_known, folded_in

        return folded_in(count_known(texts, self._analyzer, self._places), self._rows)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a query, made as for documents but for rounding, and without loading scipy."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            counted = Counter(self._analyzer.terms(text))
            known = [(self._places[term], count) for term, count in counted.items() if term in self._places]
            if known:
                places, counts = zip(*known, strict=True)
                weights = np.log1p(np.array(counts, np.float32))
                np.einsum("i,ij->j", weights, self._rows[list(places)], out=vector)  # not by threads, as np.dot may
        return of_length_one(vectors)

    def __repr__(self) -> str:
        return f"LsaModel({self._fingerprint!r})"


def of_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``vectors``, each scaled to length 1; what is 0 stays so."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    scaled: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled


def _damaged(folder: Path) -> InvalidEmbeddingError:
    return InvalidEmbeddingError(
        f"the lsa model in {folder} is damaged", fix="delete the index's folder: it is rebuilt from the corpus"
    )
