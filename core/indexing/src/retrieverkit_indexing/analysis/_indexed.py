"""The text that a node is found by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from retrieverkit_core.nodes import Node

TITLE = "title"


class Part(NamedTuple):
    """One text that a node is found by.

    Attributes:
        field: The metadata field that it is the value of; an empty string for the node's text.
        text: The text.
    """

    field: str
    text: str


def indexed_parts(node: Node, searched: Sequence[str] = (TITLE,)) -> list[Part]:
    """Return the texts that a node is found by: the searched metadata fields in their order, then its text.

    Joined by spaces they are `retrieverkit_core.searched_text`: strings and numbers are searched, and those in lists,
    but for fields that the node excludes from embedding.

    Args:
        node: The node.
        searched: The names of the metadata fields (`IndexSettings.searched`).
    """
    parts = []
    for field in searched:
        value = node.metadata.get(field)
        if value is not None and field not in node.excluded_embed_metadata_keys:
            parts += [Part(field, text) for text in _texts(value)]
    parts.append(Part("", node.text))
    return parts


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, (list, tuple)):
        return [text for element in value for text in _texts(element)]
    return []
