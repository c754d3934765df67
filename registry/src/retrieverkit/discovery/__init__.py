"""Which plugins are installed, which one a name means, and how it is loaded and asked for a retriever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieverkit.discovery.catalog import Catalog
from retrieverkit.discovery.claims import (
    COMMANDS,
    EMBEDDINGS,
    GROUPS,
    LLMS,
    MODES,
    OBSERVERS,
    READERS,
    RERANKERS,
    Claim,
)
from retrieverkit.discovery.discovery import Discovery, shared_discovery
from retrieverkit.discovery.known_modes import KNOWN_MODES
from retrieverkit.discovery.listing import Row, list_rows
from retrieverkit.discovery.selection import Selection

if TYPE_CHECKING:
    from retrieverkit.discovery.build import build_retriever, validated_options
    from retrieverkit.discovery.mode_plugin import ModePlugin

__all__ = [
    "COMMANDS",
    "EMBEDDINGS",
    "GROUPS",
    "KNOWN_MODES",
    "LLMS",
    "MODES",
    "OBSERVERS",
    "READERS",
    "RERANKERS",
    "Catalog",
    "Claim",
    "Discovery",
    "ModePlugin",
    "Row",
    "Selection",
    "build_retriever",
    "list_rows",
    "shared_discovery",
    "validated_options",
]


def __getattr__(name: str) -> Any:
    """Import what builds retrievers when it is asked for: modes are listed without it."""
    if name in ("build_retriever", "validated_options"):
        from retrieverkit.discovery import build

        return getattr(build, name)
    if name == "ModePlugin":
        from retrieverkit.discovery.mode_plugin import ModePlugin

        return ModePlugin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
