"""Probes: three fixed texts whose vectors tell one model from another that goes by the same name."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from retrieverkit_core.errors import EmbeddingMismatchError
from retrieverkit_core.vectors import checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit_core.services import Embedder

PROBE_TEXTS = (
    "The inlet froze and the turbine stalled.",
    "Was kostet eine Fahrkarte nach Lissabon?",
    "def area(radius): return 3.14159 * radius ** 2",
)
"""Unlike each other in subject, language and form. They never change: stored probes are compared with them."""

TOLERANCE = 1e-4
"""How far below 1 the cosine of a probe's two vectors may be; one model differs by far less between machines."""


def probe(embedder: Embedder) -> str:
    """Return the vectors of `PROBE_TEXTS` as text (base64 of little-endian float32) to be kept beside an index.

    Raises:
        ServiceError: The model cannot answer, or not with vectors that can be used.
    """
    vectors = checked(embedder.embed_documents(PROBE_TEXTS), len(PROBE_TEXTS), embedder.dimension, allow_zero=True)
    return base64.b64encode(vectors.astype("<f4").tobytes()).decode("ascii")


def same_model(stored: str, now: str) -> bool:
    """Return whether two probes come from one model: each text's vectors have a cosine of 1 within `TOLERANCE`."""
    import numpy as np

    before, after = _vectors(stored), _vectors(now)
    if before is None or after is None or before.shape != after.shape:
        return False
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    products = np.einsum("ij,ij->i", before, after)
    both_zero = ~before.any(axis=1) & ~after.any(axis=1)
    return bool(np.all((products >= (1 - TOLERANCE) * lengths) & ((lengths > 0) | both_zero)))


def require_same_model(stored: str, now: str, *, model: str, index: str = "DIR") -> None:
    """Raise unless two probes come from one model.

    Args:
        stored: The probe that was kept when the vectors were made.
        now: The probe of the model at hand.
        model: What the model is called, for the message.
        index: The index's folder, for the command in the message.

    Raises:
        EmbeddingMismatchError: They do not.
    """
    if not same_model(stored, now):
        raise EmbeddingMismatchError(
            f"the embedding {model!r} gives other vectors than when the index was built: it is another model",
            fix=f"put the former model back, or embed everything again: retriever reindex --index {index}",
        )


def _vectors(text: str) -> NDArray[np.float64] | None:
    import numpy as np

    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not data or len(data) % (4 * len(PROBE_TEXTS)):
        return None
    vectors = np.frombuffer(data, "<f4").reshape(len(PROBE_TEXTS), -1).astype(np.float64)
    return vectors if np.isfinite(vectors).all() else None
