"""Documents and nodes as rows of the corpus file, and back.

A row's hash covers the very bytes that are stored, so a check needs no decoding to find a changed bit. Metadata keeps
the order of its keys: the order shows in what is embedded and in what a language model reads.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from retrieverkit_core.nodes import IndexNode, Node, NodeRelationship

HASH_SIZE = 32
"""Bytes of every BLAKE2b hash in the corpus."""

_FLOAT_SIZE = 4

_NODE_HEAD = struct.Struct("<9q").pack
"""Lengths and offsets in front of a node's texts, so that no two rows are hashed alike."""

ADDED, REMOVED, CONFIGURED = 1, 2, 3
"""The operations in the log: on a node by its ordinal, or on the settings (ordinal 0)."""

to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode
"""Metadata is checked for its depth before, so it holds no circle."""

_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

_RELATIONSHIPS = {relationship.value: relationship for relationship in NodeRelationship}


def from_json(text: str) -> Any:
    """Return what `to_json` wrote. A third of the time of ``json.loads``, which looks for white space around it.

    Raises:
        ValueError: It is not what was written.
    """
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        end = -1
    if end != len(text):
        raise ValueError("not the JSON that was stored")
    return value


@lru_cache(maxsize=256)
def _excluded_from_json(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    embed, llm = from_json(text)
    return tuple(embed), tuple(llm)


NodeRow = tuple[str, str, "str | None", "str | None", "int | None", "int | None", "str | None", str, "bytes | None"]
"""What is stored of a node, in the order of `SELECT_NODES`; None is what the node does not have."""


def encoded(row: Sequence[Any]) -> list[Any]:
    """Return a node's row with its texts as UTF-8.

    Raises:
        UnicodeEncodeError: A text holds half a surrogate pair.
    """
    return [part.encode() if type(part) is str else part for part in row]


def node_hash(row: Sequence[Any]) -> bytes:
    """Return the hash over what is stored of a node.

    Args:
        row: The node's row with its texts as UTF-8.

    Raises:
        struct.error: An offset is not an integer.
    """
    node_id, metadata, relationships, excluded, start, end, index_id, text, embedding = row
    parts = [node_id, metadata, relationships or b"", excluded or b"", index_id or b"", text, embedding or b""]
    sizes = [-1 if part is None else len(part) for part in (relationships, excluded, index_id, embedding)]
    offsets = (-1 if start is None else start, -1 if end is None else end)
    head = _NODE_HEAD(len(node_id), len(metadata), len(text), *sizes, *offsets)
    return hashlib.blake2b(head + b"".join(parts), digest_size=HASH_SIZE).digest()


def former_node_hash(doc_id: bytes, row: Sequence[Any]) -> bytes:
    """Return the hash that format 1 kept of a node: its document's id was part of it."""
    return digest(doc_id, *[str(part).encode() if isinstance(part, int) else part for part in row])


def is_as_written(stored: bytes, row: Sequence[Any], document: Callable[[], bytes | None]) -> bool:
    """Return whether a node's row, with its texts as UTF-8, is what its hash was made of.

    Args:
        stored: The hash.
        row: The row.
        document: Returns the id of the node's document; only asked for what format 1 wrote, and for damage.
    """
    try:
        if node_hash(row) == stored:
            return True
        doc_id = document()
        return doc_id is not None and former_node_hash(doc_id, row) == stored
    except (TypeError, ValueError, AttributeError, struct.error):
        return False


def node_from_row(row: Sequence[Any]) -> Node:
    """Return the node of a row.

    Args:
        row: What is stored of the node, without its ordinal and hash.

    Raises:
        ValueError: The row holds what was never written.
    """
    node_id, metadata, relationships, excluded, start, end, index_id, text, embedding = row
    related = {_RELATIONSHIPS[k]: v for k, v in from_json(relationships).items()} if relationships else {}
    meta = {} if metadata == "{}" else from_json(metadata)
    kind = Node if index_id is None else IndexNode
    node = kind.read(text, node_id, meta, related, start, end, None if embedding is None else late_floats(embedding))
    # Who reads a whole corpus looks at these of every node, and the first look costs twenty times as much.
    embed, llm = map(list, _excluded_from_json(excluded)) if excluded else ([], [])
    node.excluded_embed_metadata_keys, node.excluded_llm_metadata_keys = embed, llm
    if isinstance(node, IndexNode):
        node.index_id, node.obj = index_id, None
    return node


def excluded_to_json(embed: list[str], llm: list[str]) -> str | None:
    """Return the two lists of excluded metadata keys as JSON, or None where both are empty."""
    return to_json([embed, llm]) if embed or llm else None


def floats_to_bytes(values: Sequence[float]) -> bytes:
    """Return ``values`` as little-endian float32.

    Raises:
        TypeError: A value is not a number.
        OverflowError: A value is not finite as float32.
    """
    data = array("f", values)
    if not all(map(math.isfinite, data)):
        raise OverflowError("a number is not finite as float32")
    return _little_endian(data).tobytes()


def late_floats(data: bytes) -> Callable[[], list[float]]:
    """Return what returns the numbers of `floats_to_bytes`.

    Raises:
        ValueError: The length is not that of whole numbers.
    """
    if len(data) % _FLOAT_SIZE:
        raise ValueError(f"{len(data)} bytes are not numbers of {_FLOAT_SIZE} bytes")
    return partial(floats_from_bytes, data)


def floats_from_bytes(data: bytes) -> list[float]:
    """Return the numbers of `floats_to_bytes`.

    Raises:
        ValueError: The length is not that of whole numbers.
    """
    values = array("f")
    values.frombytes(data)
    return _little_endian(values).tolist()


def _little_endian(values: array[float]) -> array[float]:
    if sys.byteorder == "big":
        values.byteswap()
    return values


def digest(*parts: bytes | None) -> bytes:
    """Return the BLAKE2b hash of ``parts``; each part's length goes in, so no two lists of parts are alike."""
    lengths = [None if part is None else len(part) for part in parts]
    return hashlib.blake2b(b"".join([repr(lengths).encode(), *filter(None, parts)]), digest_size=HASH_SIZE).digest()


def link(chain: bytes, operation: int, ordinal: int, node_hash: bytes) -> bytes:
    """Return the hash over all changes up to this one: ``chain`` is that of the change before."""
    change = chain + struct.pack("<Bq", operation, ordinal) + node_hash
    return hashlib.blake2b(change, digest_size=HASH_SIZE).digest()


def root_of_chain(corpus_id: str) -> bytes:
    """Return what stands for the hash of the change before the first."""
    return digest(corpus_id.encode())
