"""How a retriever is described: as a mode string, a dict, a file or a `RetrieverSpec`, all one tree."""

from __future__ import annotations

from retrieverkit_core.spec.model import RetrieverSpec

__all__ = ["RetrieverSpec"]
