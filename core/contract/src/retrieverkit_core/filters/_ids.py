"""Ids as fields: filters can ask for nodes and documents by id, under names that no metadata key can take."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from retrieverkit_core.nodes import Node

NODE_ID = "_node_id"
DOC_ID = "_doc_id"

RESERVED_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {NODE_ID: frozenset({"string", "date"}), DOC_ID: frozenset({"string", "date"})}
)
"""The reserved names and the kinds of value that they hold; an id may look like a date."""


def filterable(node: Node) -> dict[str, Any]:
    """Return what filters ask about: the node's metadata, and its id and its document's under the reserved names."""
    return {**node.metadata, NODE_ID: node.id, DOC_ID: node.ref_doc_id}
