"""`LsaEmbedding`: fits `LsaModel` to texts.

The rules, part of every index's manifest by the fingerprint:

1. The terms are those of the bm25 analyzer of the language. At most 100,000 are kept, those in most texts.
2. At most 100,000 texts are fitted, evenly spaced; the others are folded in like later ones.
3. Log-entropy weights, rows of length 1, and the strongest right singular vectors, one a dimension; fewer where there
   are fewer texts or terms.
4. A text's vector is the sum of its terms' rows by their weighted counts, of length 1; zero if no term is known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_vector.embeddings.lsa.model import DESCRIPTION, ROWS, TERMS, LsaModel

RULES_VERSION = 2
"""Counts the changes to the rules above."""

MAX_TEXTS = 100_000
MAX_TERMS = 100_000
"""With these, fitting takes under 1 GB."""

_SMALL = 1000
_OUTGROWN_SHARE = 0.2


class LsaEmbedding:
    """Latent semantic analysis, before it is fitted. It is a `CorpusEmbedder`.

    Args:
        dimensions: The length of a vector where texts and terms are many enough.
        language: The language of the texts, an ISO 639-1 code; None for that of the corpus.

    Raises:
        ConfigError: The language is not supported.
    """

    def __init__(self, dimensions: int = 256, language: str | None = None) -> None:
        self._dimensions = dimensions
        self._follows = language is None
        self._analyzer = Analyzer(language or "en")

    @property
    def fingerprint(self) -> str:
        """Names the rules, the analyzer and the dimensions."""
        return f"lsa rules {RULES_VERSION}, {self._dimensions} dimensions, {self._analyzer.fingerprint}"

    def in_language(self, language: str) -> LsaEmbedding:
        """Return the method for texts in ``language``; itself if it was made for one.

        Raises:
            ConfigError: The language is not supported.
        """
        if not self._follows or language == self._analyzer.language:
            return self
        return LsaEmbedding(self._dimensions, language)

    def fit(self, texts: Sequence[str], folder: Path) -> NDArray[np.float32] | None:
        """Fit the model to ``texts`` and write it into the empty ``folder``.

        Returns:
            The vectors of ``texts``; None where some of them were not fitted.
        """
        from retrieverkit_vector.embeddings.lsa.counts import count_terms, folded_in, most_widespread
        from retrieverkit_vector.embeddings.lsa.decomposition import right_singular_vectors
        from retrieverkit_vector.embeddings.lsa.weighting import entropy_weights, weighted

        sample = [texts[at] for at in _evenly_spaced(len(texts), MAX_TEXTS)]
        terms, counts = most_widespread(*count_terms(sample, self._analyzer), MAX_TERMS)
        weights = entropy_weights(counts)
        directions = right_singular_vectors(weighted(counts, weights), self._dimensions)
        rows = np.ascontiguousarray(weights[:, None] * directions, np.float32)
        if rows.shape[1] == 0:
            rows = np.zeros((len(terms), 1), np.float32)
        listed = json.dumps(terms).encode("ascii")
        digest = hashlib.sha256(listed + rows.tobytes()).hexdigest()
        np.save(folder / ROWS, rows)
        (folder / TERMS).write_bytes(listed)
        description = {"fitted": f"lsa {digest}", "method": self.fingerprint}
        (folder / DESCRIPTION).write_text(json.dumps(description), encoding="ascii")
        return folded_in(counts, rows) if len(sample) == len(texts) else None

    def load(self, folder: Path) -> LsaModel:
        """Return the model that `fit` wrote into ``folder``.

        Raises:
            EmbeddingMismatchError: It was fitted by other rules or options.
            InvalidEmbeddingError: Its files are damaged.
        """
        return LsaModel(folder, self._analyzer, self.fingerprint)

    def outgrown(self, fitted_on: int, added: int, removed: int) -> bool:
        """Return whether the model must be fitted again.

        It must when more texts have come than a fifth of those it was fitted to, or more of these have gone than a
        fifth of those that are left; and at any change where it was fitted to under 1,000 or so few are left, as these
        say little about the next one, and fitting them takes a moment.
        """
        left = fitted_on - removed
        if min(fitted_on, left + added) < _SMALL:
            return added + removed > 0
        return added > _OUTGROWN_SHARE * fitted_on or removed > _OUTGROWN_SHARE * left

    def __repr__(self) -> str:
        return f"LsaEmbedding({self._dimensions}, {self._analyzer.language!r})"


def _evenly_spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Return all places up to ``count``, or ``limit`` of them."""
    return np.arange(count) if count <= limit else np.arange(limit) * count // limit
