"""How a retriever is described: as a mode string, a dict, a file or a `RetrieverSpec`, all one tree."""

from __future__ import annotations

from retrieverkit_core.spec._model import RetrieverSpec
from retrieverkit_core.spec._names import MODE, PROVIDER, mode_name, normal_provider
from retrieverkit_core.spec._parser import LITERALS

__all__ = ["LITERALS", "MODE", "PROVIDER", "RetrieverSpec", "mode_name", "normal_provider"]
