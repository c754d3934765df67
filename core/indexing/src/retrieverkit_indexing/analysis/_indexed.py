"""The text that a node is found by."""

from __future__ import annotations

from retrieverkit_core.nodes import Node


def indexed_text(node: Node) -> str:
    """Return the text that a node is found by: its text, behind the title in its metadata unless that is excluded."""
    title = node.metadata.get("title")
    if isinstance(title, str) and title and "title" not in node.excluded_embed_metadata_keys:
        return f"{title} {node.text}"
    return node.text
