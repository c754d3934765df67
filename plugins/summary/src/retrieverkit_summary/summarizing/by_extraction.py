"""Summaries without a language model: the sentences that together say most of what a text says.

Sentences are chosen one by one: each time the one with which the chosen ones together come nearest, by cosine, to the
centroid of all sentences (Gholipour Ghalandari, "Revisiting the Centroid-based Method", 2017). So one that repeats what
is chosen adds little, and each part of the text has its say. They are given in the order of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from retrieverkit_core.corpus import Corpus, searched_text
from retrieverkit_core.nodes import Node
from retrieverkit_core.plan import Plan
from retrieverkit_core.services import Embedder
from retrieverkit_core.vectors import checked
from retrieverkit_indexing.sentences import sentences, version
from retrieverkit_summary.summarizing.cache import SummaryCache, key_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit_indexing.analysis import Analyzer

LENGTH = 600
"""The most characters of a summary. A text that is not longer is its own."""
SENTENCE_CHARS = 400
"""The most characters of a sentence: what is longer, such as a table or code, is cut where words end."""

_RULES_VERSION = 1
_BATCH = 256
_DIGITS = 6
"""Cosines are compared to so many places: what differs by rounding alone is the same, and the first is taken."""


class ByExtraction:
    """Chooses sentences: by their vectors where a model is at hand that needs no corpus, else by their words.

    Args:
        corpus: Its settings say what of a node is searched, and in what language.
        embedder: The model, or None.
        cache: Keeps the summaries.
    """

    def __init__(self, corpus: Corpus, embedder: Embedder | None, cache: SummaryCache) -> None:
        self._corpus = corpus
        self._embedder = embedder
        self._cache = cache

    @property
    def fingerprint(self) -> str:
        """Names all that a summary depends on beside its text and its language."""
        by = f"by {self._embedder.fingerprint}" if self._embedder else "by words"
        return f"extraction rules {_RULES_VERSION}, {LENGTH}, {version()}, {SENTENCE_CHARS}, {by}"

    @property
    def note(self) -> str:
        """How the summaries are made."""
        by = "vectors" if self._embedder else "words"
        return f"summaries: sentences of the texts, chosen by their {by}, as no language model is used"

    def text_of(self, node: Node) -> str:
        """Return what of a node is summarised."""
        return searched_text(node, self._corpus.settings)

    def summarize(self, groups: Sequence[Sequence[str]]) -> list[str]:
        """Return one summary per group.

        Raises:
            ServiceError: The embedding cannot be asked; what was made is kept.
        """
        return [self._known(group) or self._made(group) for group in groups]

    def known(self, groups: Sequence[Sequence[str]]) -> list[str | None]:
        """Return the summary of each group that is at hand, None for the others."""
        return [self._known(group) for group in groups]

    def cost(self, groups: Sequence[Sequence[str]]) -> Plan:
        """Return what the summaries that are not at hand would take."""
        missing = self._embedder is not None and None in self.known(groups)
        calls = None if missing else 0
        return Plan("summaries", "chooses sentences of the texts", embedding_calls=calls, once=True)

    def _known(self, group: Sequence[str]) -> str | None:
        if sum(map(len, group)) + len(group) <= LENGTH:
            return " ".join(" ".join(group).split())
        key = self._key(group)
        return self._cache.get([key]).get(key)

    def _made(self, group: Sequence[str]) -> str:
        language = self._corpus.settings.language
        cut = (sentences(text, language, longest=SENTENCE_CHARS) for text in group)
        units = list(dict.fromkeys(chain.from_iterable(cut)))
        if not units:
            return ""
        rows = _Dense(self._embedder, units) if self._embedder else _Words(units, language)
        made = " ".join(units[at] for at in sorted(_chosen(rows, [len(unit) + 1 for unit in units])))
        self._cache.put(self._key(group), made)
        return made

    def _key(self, group: Sequence[str]) -> bytes:
        return key_of(self.fingerprint, self._corpus.settings.language, *group)


class _Dense:
    """The vectors that a model gives sentences, each of length 1."""

    def __init__(self, embedder: Embedder, units: Sequence[str]) -> None:
        import numpy as np

        batches = [units[start : start + _BATCH] for start in range(0, len(units), _BATCH)]
        vectors = np.concatenate(
            [checked(embedder.embed_documents(b), len(b), embedder.dimension, allow_zero=True) for b in batches]
        ).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        self._rows: NDArray[np.float64] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)

    def total(self) -> NDArray[np.float64]:
        """Return the sum of all rows."""
        total: NDArray[np.float64] = self._rows.sum(axis=0)
        return total

    def row(self, at: int) -> NDArray[np.float64]:
        """Return one row."""
        row: NDArray[np.float64] = self._rows[at]
        return row

    def times(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the product of each row with ``vector``."""
        import numpy as np

        product: NDArray[np.float64] = np.einsum("ij,j->i", self._rows, vector)
        return product


class _Words:
    """Sentences as vectors of their words, each 1 + log of how often it is there, of length 1 altogether."""

    def __init__(self, units: Sequence[str], language: str) -> None:
        import numpy as np

        analyzer = _analyzer(language)
        places: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        for row, unit in enumerate(units):
            for term in analyzer.terms(unit):
                rows.append(row)
                columns.append(places.setdefault(term, len(places)))
        self._count, self._width = len(units), len(places)
        cells, counts = np.unique(np.array(rows, np.int64) * max(1, len(places)) + columns, return_counts=True)
        self._row, self._column = np.divmod(cells.astype(np.int64), max(1, len(places)))
        weights = 1 + np.log(counts)
        squares = np.bincount(self._row, weights**2, self._count)
        self._weights = weights / np.sqrt(squares)[self._row]

    def total(self) -> NDArray[np.float64]:
        """Return the sum of all rows."""
        return _sums(self._column, self._weights, self._width)

    def row(self, at: int) -> NDArray[np.float64]:
        """Return one row."""
        own = self._row == at
        return _sums(self._column[own], self._weights[own], self._width)

    def times(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the product of each row with ``vector``."""
        return _sums(self._row, self._weights * vector[self._column], self._count)


@lru_cache(maxsize=8)
def _analyzer(language: str) -> Analyzer:
    from retrieverkit_indexing.analysis import Analyzer

    return Analyzer(language)


def _sums(places: NDArray[np.int64], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the sum of the values at each place."""
    import numpy as np

    return np.bincount(places, values, count).astype(np.float64)


def _chosen(rows: _Dense | _Words, lengths: Sequence[int]) -> list[int]:
    """Return the places of the sentences that together come nearest to the centroid, at most `LENGTH` characters."""
    import numpy as np

    total = rows.total()
    near = rows.times(total)
    of_chosen = np.zeros(len(near))  # the product of each row with the sum of those that are chosen
    near_sum = square = 0.0
    room = LENGTH + 1
    open_ = np.ones(len(near), bool)
    chosen: list[int] = []
    sizes = np.array(lengths)
    while (fits := open_ & (sizes <= room)).any():
        squares = np.maximum(square + 2 * of_chosen + 1.0, 1e-12)
        gain = np.where(fits, np.round((near_sum + near) / np.sqrt(squares), _DIGITS), -np.inf)
        at = int(np.argmax(gain))
        chosen.append(at)
        open_[at] = False
        room -= lengths[at]
        square, near_sum = float(squares[at]), near_sum + float(near[at])
        of_chosen = of_chosen + rows.times(rows.row(at))
    return chosen
