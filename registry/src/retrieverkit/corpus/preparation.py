"""Documents made ready to be written: checked, encoded and hashed, before any lock is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from retrieverkit.corpus.rows import (
    NodeRow,
    digest,
    encoded,
    excluded_to_json,
    floats_to_bytes,
    former_node_hash,
    node_hash,
    to_json,
)
from retrieverkit.corpus.validation import check_document, check_node
from retrieverkit_core.errors import InvalidDocumentError, shorten
from retrieverkit_core.filters import fields_of
from retrieverkit_core.nodes import Document, IndexNode, Node

TEXT_AT = 7
"""Where the text stands in a node's row."""

Field = tuple[str, str]
"""A metadata key and the kind of a value that it holds."""


class PreparedNode(NamedTuple):
    """A node's row in the order of `SELECT_NODES`, its hash, and what it holds for the table of fields."""

    row: NodeRow
    hash: bytes
    fields: list[Field]


class PreparedDocument(NamedTuple):
    """A document's row; ``text`` is None where it is the text of its one node."""

    doc_id: str
    hash: bytes
    metadata: str
    excluded: str | None
    text: str | None
    nodes: list[PreparedNode]


def prepare(documents: Iterable[tuple[Document, Sequence[Node]]]) -> list[PreparedDocument]:
    """Return the documents with their nodes as they will be written.

    Raises:
        InvalidDocumentError: A document cannot be stored faithfully, or two of them share an id.
    """
    prepared: list[PreparedDocument] = []
    doc_ids: set[str] = set()
    owners: dict[str, str] = {}
    for document, pieces in documents:
        nodes = list(pieces)
        check_document(document)
        if document.id in doc_ids:
            raise InvalidDocumentError(
                document.id, "the id is given twice in one call", fix="give each document an id of its own"
            )
        doc_ids.add(document.id)
        prepared.append(_prepare_document(document, nodes))
        for node in nodes:
            if node.id in owners:
                raise node_id_taken(document.id, node.id, owners[node.id])
            owners[node.id] = document.id
    return prepared


def node_id_taken(document_id: str, node_id: str, owner: str) -> InvalidDocumentError:
    """Return the error for a node id that another node has already."""
    return InvalidDocumentError(
        document_id,
        f"its node id {shorten(repr(node_id))} already belongs to a node of document {shorten(repr(owner))}",
        fix="give each node an id of its own, for example one that begins with the document's id",
    )


def document_taken(document_id: str, owner: str | None) -> InvalidDocumentError:
    """Return the error for a document of one source whose id a document from elsewhere has already."""
    where = f"from {shorten(owner, 200)}" if owner else "that was added by hand"
    return InvalidDocumentError(
        document_id, f"its id already belongs to a document {where}", fix="give each document an id of its own"
    )


def document_hash(doc_id: bytes, text: bytes, metadata: bytes, excluded: bytes | None, nodes: Iterable[bytes]) -> bytes:
    """Return the hash over all that is stored of a document, its nodes' hashes included."""
    return digest(doc_id, text, metadata, excluded, *nodes)


def former_hash(document: PreparedDocument) -> bytes:
    """Return the hash that format 1 kept of the same document."""
    doc_id = document.doc_id.encode()
    nodes = [former_node_hash(doc_id, encoded(node.row)) for node in document.nodes]
    text = document.nodes[0].row[TEXT_AT] if document.text is None else document.text
    excluded = None if document.excluded is None else document.excluded.encode()
    return document_hash(doc_id, str(text).encode(), document.metadata.encode(), excluded, nodes)


def _prepare_document(document: Document, nodes: Sequence[Node]) -> PreparedDocument:
    metadata = to_json(document.metadata) if document.metadata else "{}"
    excluded = excluded_to_json(document.excluded_embed_metadata_keys, document.excluded_llm_metadata_keys)
    try:
        doc_id, text = document.id.encode(), document.text.encode()
        encoded = metadata.encode(), None if excluded is None else excluded.encode()
    except UnicodeEncodeError as error:
        raise _surrogate(document.id, "", error) from None
    rows = [_prepare_node(node, document.id) for node in nodes]
    hashed = document_hash(doc_id, text, *encoded, [node.hash for node in rows])
    kept = None if len(nodes) == 1 and nodes[0].text == document.text else document.text
    return PreparedDocument(document.id, hashed, metadata, excluded, kept, rows)


def _prepare_node(node: Node, document_id: str) -> PreparedNode:
    check_node(node, document_id)
    row = (
        node.id,
        to_json(node.metadata) if node.metadata else "{}",
        to_json(node.relationships) if node.relationships else None,
        excluded_to_json(node.excluded_embed_metadata_keys, node.excluded_llm_metadata_keys),
        node.start_char_idx,
        node.end_char_idx,
        node.index_id if type(node) is IndexNode else None,
        node.text,
        None if node.embedding is None else _vector(node.embedding, node.id, document_id),
    )
    try:
        hashed = node_hash(encoded(row))
    except UnicodeEncodeError as error:
        raise _surrogate(document_id, f"node {shorten(repr(node.id))}: ", error) from None
    return PreparedNode(row, hashed, list(fields_of(node.metadata)) if node.metadata else [])


def _vector(embedding: Sequence[float], node_id: str, document_id: str) -> bytes:
    try:
        return floats_to_bytes(embedding)
    except (TypeError, OverflowError) as problem:
        raise InvalidDocumentError(
            document_id, f"node {shorten(repr(node_id))}: its embedding cannot be stored: {problem}"
        ) from None


def _surrogate(document_id: str, where: str, error: UnicodeEncodeError) -> InvalidDocumentError:
    found = error.object[error.start]
    return InvalidDocumentError(
        document_id,
        f"{where}half a surrogate pair ({found!r}) is not a character and cannot be stored",
        fix="decode the text with errors='replace' where it is read",
    )
