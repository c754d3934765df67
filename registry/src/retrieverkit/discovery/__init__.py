"""Which plugins are installed, which one a name means, and how it is loaded and asked for a retriever."""

from __future__ import annotations

from retrieverkit.discovery.build import build_retriever, validated_options
from retrieverkit.discovery.catalog import Catalog
from retrieverkit.discovery.claims import COMMANDS, EMBEDDINGS, GROUPS, LLMS, MODES, OBSERVERS, Claim
from retrieverkit.discovery.discovery import Discovery, shared_discovery
from retrieverkit.discovery.known_modes import KNOWN_MODES
from retrieverkit.discovery.listing import Row, list_rows
from retrieverkit.discovery.mode_plugin import ModePlugin

__all__ = [
    "COMMANDS",
    "EMBEDDINGS",
    "GROUPS",
    "KNOWN_MODES",
    "LLMS",
    "MODES",
    "OBSERVERS",
    "Catalog",
    "Claim",
    "Discovery",
    "ModePlugin",
    "Row",
    "build_retriever",
    "list_rows",
    "shared_discovery",
    "validated_options",
]
