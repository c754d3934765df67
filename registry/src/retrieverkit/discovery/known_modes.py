"""Which distribution provides each first-party mode, so that a missing one can be named with its pip command."""

from __future__ import annotations

KNOWN_MODES: dict[str, str] = {
    "bm25": "retrieverkit-bm25",
    "fusion": "retrieverkit-fusion",
    "hybrid": "retrieverkit-fusion",
    "vector": "retrieverkit-vector",
}
