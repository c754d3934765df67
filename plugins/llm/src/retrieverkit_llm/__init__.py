"""Remote models for RetrieverKit: embeddings and language models. Importing this loads no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit_llm.chat.model import OpenAIModel
    from retrieverkit_llm.chat.provider import OpenAIModelOptions

__all__ = ["OpenAIModel", "OpenAIModelOptions"]

_MODULES = {"OpenAIModel": "chat.model", "OpenAIModelOptions": "chat.provider"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
