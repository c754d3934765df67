"""An embedding model of the kit's own: it counts its calls, and fails when it is told to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIMENSION = 256


class WordVectors:
    """Embeds a text as the counts of its words, at places that their checksums give; every vector has length 1.

    Attributes:
        calls: How often it was asked.
        failure: What it raises when it is asked, or None.
    """

    fingerprint = "retrieverkit-testkit words 1"
    dimension = _DIMENSION

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text."""
        import numpy as np

        self.calls += 1
        if self.failure is not None:
            raise self.failure
        rows = np.array([self.vector(text) for text in texts], dtype=np.float32)
        return rows.reshape(len(texts), _DIMENSION)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per query."""
        return self.embed_documents(texts)

    @staticmethod
    def vector(text: str) -> list[float]:
        """Return the vector of one text."""
        counts = [0.0] * _DIMENSION
        for word in re.findall(r"\w+", text.casefold()) or ["no words"]:
            counts[crc32(word.encode()) % _DIMENSION] += 1.0
        length = sum(count * count for count in counts) ** 0.5
        return [count / length for count in counts]
