"""How a retriever is described: as a mode string, a dict, a file or a `RetrieverSpec`, all one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieverkit_core.spec._names import MODE, PROVIDER, mode_name, normal_provider

if TYPE_CHECKING:
    from retrieverkit_core.spec._model import RetrieverSpec
    from retrieverkit_core.spec._parser import LITERALS

__all__ = ["LITERALS", "MODE", "PROVIDER", "RetrieverSpec", "mode_name", "normal_provider"]


def __getattr__(name: str) -> Any:
    """Import the model when it is asked for: names of modes are read without it."""
    if name == "RetrieverSpec":
        from retrieverkit_core.spec._model import RetrieverSpec

        return RetrieverSpec
    if name == "LITERALS":
        from retrieverkit_core.spec._parser import LITERALS

        return LITERALS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
