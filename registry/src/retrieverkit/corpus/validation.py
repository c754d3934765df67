"""What can be stored faithfully: everything that is refused here would come back as something else."""

from __future__ import annotations

import math
from datetime import date, time
from pathlib import PurePath
from typing import Any

from retrieverkit_core.errors import InvalidDocumentError, shorten
from retrieverkit_core.filters import RESERVED_FIELDS
from retrieverkit_core.nodes import Document, IndexNode, Node, NodeRelationship

MAX_DEPTH = 32
"""How deep metadata may be nested; the metadata itself is the first level."""

MAX_INTEGER_BITS = 14_000
"""Python refuses to read decimal numbers of more than 4,300 digits; this is a little below."""

MAX_CHARACTERS = 100_000_000
"""How long a text may be: the rows of SQLite end at a thousand million bytes."""

_MAX_OFFSET = 2**63
_SCALARS = (str, bool, type(None))


class Unstorable(Exception):
    """A value cannot be stored; the message says why."""


def check_document(document: Document) -> None:
    """Check a document's own fields.

    Raises:
        InvalidDocumentError: A field has the wrong type or cannot be stored.
    """
    if type(document) is not Document:
        raise InvalidDocumentError(
            getattr(document, "id", None),
            f"a {type(document).__name__} is not a Document, its further fields would be lost",
            fix="make a retrieverkit_core Document of it",
        )
    try:
        _check_fields(document)
    except Unstorable as problem:
        raise InvalidDocumentError(document.id, str(problem)) from None


def check_node(node: Node, document_id: str) -> None:
    """Check a node's fields, but for its embedding.

    Raises:
        InvalidDocumentError: A field has the wrong type or cannot be stored.
    """
    if type(node) is not Node and type(node) is not IndexNode:
        raise InvalidDocumentError(
            document_id,
            f"a {type(node).__name__} is neither Node nor IndexNode, its further fields would be lost",
            fix="make a retrieverkit_core Node of it",
        )
    try:
        _check_fields(node)
        if node.relationships:
            _check_relationships(node.relationships)
        _check_offset("start_char_idx", node.start_char_idx)
        _check_offset("end_char_idx", node.end_char_idx)
        if type(node) is IndexNode and type(node.index_id) is not str:
            raise Unstorable(f"index_id is {shorten(repr(node.index_id))}, not a str")
    except Unstorable as problem:
        raise InvalidDocumentError(document_id, f"node {shorten(repr(node.id))}: {problem}") from None


def _check_fields(item: Document | Node) -> None:
    if type(item.id) is not str or not item.id:
        raise Unstorable("the id must be a non-empty str")
    if type(item.text) is not str:
        raise Unstorable(f"the text is a {type(item.text).__name__}, not a str")
    if len(item.text) > MAX_CHARACTERS:
        raise Unstorable(f"the text is longer than {MAX_CHARACTERS:,} characters; cut it into several documents")
    if item.metadata:
        _check_metadata(item.metadata)
    elif type(item.metadata) is not dict:
        raise Unstorable(f"the metadata is a {type(item.metadata).__name__}, not a dict")
    if item.excluded_embed_metadata_keys != [] or item.excluded_llm_metadata_keys != []:
        _check_str_list("the excluded metadata keys", item.excluded_embed_metadata_keys)
        _check_str_list("the excluded metadata keys", item.excluded_llm_metadata_keys)


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict):
        raise Unstorable(f"the metadata is a {type(metadata).__name__}, not a dict")
    for key in RESERVED_FIELDS:
        if key in metadata:
            raise Unstorable(f"the metadata key {key!r} is reserved: filters ask for ids by it; give it another name")
    for key, value in metadata.items():
        if type(key) is not str or type(value) is not str:  # most metadata is text, and this runs for every node
            _check_key(key, "the metadata")
            _check_value(value, key, depth=2)


def _check_value(value: Any, path: str, depth: int) -> None:
    if isinstance(value, _SCALARS):
        return
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise Unstorable(f"metadata {shorten(path)!r} is an integer of more than 4,200 digits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Unstorable(f"metadata {shorten(path)!r} is {value!r}, which is not JSON")
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise Unstorable(f"metadata {shorten(path)!r} is nested more than {MAX_DEPTH} levels deep")
        _check_members(value, path, depth)
    else:
        hint = _hint(value)
        raise Unstorable(f"metadata {shorten(path)!r} is a {type(value).__name__}, which is not JSON{hint}")


def _hint(value: Any) -> str:
    if isinstance(value, (tuple, set, frozenset)):
        return "; write a list"
    if isinstance(value, (date, time)):
        return "; write value.isoformat()"
    if isinstance(value, PurePath):
        return "; write str(value)"
    return "; write value.item() or value.tolist()" if hasattr(value, "tolist") else ""


def _check_members(value: dict[Any, Any] | list[Any], path: str, depth: int) -> None:
    if isinstance(value, list):
        for member in value:
            _check_value(member, path, depth + 1)
        return
    for key, member in value.items():
        _check_key(key, path)
        _check_value(member, key, depth + 1)


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise Unstorable(f"a key in {shorten(path)!r} is {shorten(repr(key))}, not a str")


def _check_relationships(relationships: Any) -> None:
    if not isinstance(relationships, dict):
        raise Unstorable(f"the relationships are a {type(relationships).__name__}, not a dict")
    for kind, related in relationships.items():
        if kind not in NodeRelationship._value2member_map_:
            raise Unstorable(f"{shorten(repr(kind))} is not a relationship")
        if not isinstance(related, str):
            _check_str_list(f"the relationship {shorten(kind)}", related)


def _check_str_list(name: str, values: Any) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Unstorable(f"{name} must be a list of str")


def _check_offset(name: str, offset: Any) -> None:
    if offset is None:
        return
    if type(offset) is not int or not 0 <= offset < _MAX_OFFSET:
        raise Unstorable(f"{name} is {shorten(repr(offset))}, not a whole number from 0 to 2**63 - 1")
