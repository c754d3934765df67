"""Documents, the nodes they are cut into, and nodes that lead somewhere else."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

Metadata = dict[str, Any]
"""Inert JSON: strings, finite numbers, booleans, None, lists and objects. Nothing in it is ever revived."""


class MetadataMode(StrEnum):
    """Which metadata goes in front of a node's text."""

    ALL = "all"
    EMBED = "embed"
    LLM = "llm"
    NONE = "none"


class NodeRelationship(StrEnum):
    """How another node is related to this one."""

    SOURCE = "source"
    PREVIOUS = "previous"
    NEXT = "next"
    PARENT = "parent"
    CHILD = "child"


Relationships = dict[NodeRelationship, "str | list[str]"]
"""Ids of related nodes; only CHILD holds a list. SOURCE holds the id of the document."""


def new_id() -> str:
    """Return a random id."""
    return str(uuid4())


def content_hash(text: str, metadata: Metadata) -> str:
    """Return the SHA-256 of text and metadata, whatever the order of the metadata's keys."""
    canonical = json.dumps([text, metadata], sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Document:
    """A text to retrieve from, as its owner knows it.

    Attributes:
        text: The whole text.
        id: The owner's id; adding another text under the same id replaces the first.
        metadata: Inert JSON that filters can ask about.
        excluded_embed_metadata_keys: Metadata keys kept out of what is embedded and indexed.
        excluded_llm_metadata_keys: Metadata keys kept out of what a language model is shown.
    """

    text: str
    id: str = field(default_factory=new_id)
    metadata: Metadata = field(default_factory=dict)
    excluded_embed_metadata_keys: list[str] = field(default_factory=list)
    excluded_llm_metadata_keys: list[str] = field(default_factory=list)

    @property
    def doc_id(self) -> str:
        """The id."""
        return self.id

    @property
    def id_(self) -> str:
        """The id, as other libraries spell it."""
        return self.id

    @property
    def hash(self) -> str:
        """SHA-256 of text and metadata."""
        return content_hash(self.text, self.metadata)


_making = threading.Lock()
"""Two threads that look at a part for the first time at once see one and the same."""


class _Sparing:
    """Makes what is seldom looked at of a node that was read when somebody looks: ten hits hold ten vectors."""

    __slots__ = ("_decode",)

    _decode: Callable[[], list[float]]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in _SPARED:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            with _making:
                try:
                    return object.__getattribute__(self, name)
                except AttributeError:
                    made = self._decode() if name == "embedding" else []
                    setattr(self, name, made)
                    return made

        def __getstate__(self) -> Any:
            others, parts = super().__getstate__()  # looks at every part
            parts.pop("_decode", None)
            return others, parts


_SPARED = frozenset(("excluded_embed_metadata_keys", "excluded_llm_metadata_keys", "embedding"))


@dataclass(slots=True)
class Node(_Sparing):
    """A piece of a document: the unit that is indexed, ranked and returned.

    Attributes:
        text: The piece's text.
        id: Unique in its corpus.
        metadata: Inert JSON that filters can ask about.
        relationships: Ids of the document, the neighbours, the parent and the children.
        excluded_embed_metadata_keys: Metadata keys kept out of what is embedded.
        excluded_llm_metadata_keys: Metadata keys kept out of what a language model is shown.
        start_char_idx: Offset of the text in the document, in characters, or None.
        end_char_idx: Offset behind the text in the document, in characters, or None.
        embedding: The node's own vector, or None.
    """

    text: str = ""
    id: str = field(default_factory=new_id)
    metadata: Metadata = field(default_factory=dict)
    relationships: Relationships = field(default_factory=dict)
    excluded_embed_metadata_keys: list[str] = field(default_factory=list)
    excluded_llm_metadata_keys: list[str] = field(default_factory=list)
    start_char_idx: int | None = None
    end_char_idx: int | None = None
    embedding: list[float] | None = None

    @classmethod
    def read(
        cls,
        text: str,
        id: str,  # noqa: A002 - the name of what it is
        metadata: Metadata,
        relationships: Relationships,
        start_char_idx: int | None,
        end_char_idx: int | None,
        embedding: Callable[[], list[float]] | None = None,
    ) -> Self:
        """Return a node without excluded keys, as a corpus reads it: in half the time of the constructor.

        Args:
            text: The text.
            id: The id.
            metadata: The metadata, of which the node is the only owner.
            relationships: The relationships, of which it is too.
            start_char_idx: The offset of the text.
            end_char_idx: The offset behind it.
            embedding: Returns the node's own vector, when somebody looks at it; None where it has none.
        """
        node = object.__new__(cls)
        node.text = text
        node.id = id
        node.metadata = metadata
        node.relationships = relationships
        node.start_char_idx = start_char_idx
        node.end_char_idx = end_char_idx
        if embedding is None:
            node.embedding = None
        else:
            node._decode = embedding
        return node

    @property
    def node_id(self) -> str:
        """The id."""
        return self.id

    @property
    def id_(self) -> str:
        """The id, as other libraries spell it."""
        return self.id

    def set_content(self, text: str) -> None:
        """Put another text in the place of this one."""
        self.text = text

    @property
    def hash(self) -> str:
        """SHA-256 of text and metadata."""
        return content_hash(self.text, self.metadata)

    @property
    def ref_doc_id(self) -> str | None:
        """The id of the document that the node is a piece of, or None."""
        return self._related(NodeRelationship.SOURCE)

    @property
    def prev_node(self) -> str | None:
        """The id of the node before this one in its document, or None."""
        return self._related(NodeRelationship.PREVIOUS)

    @property
    def next_node(self) -> str | None:
        """The id of the node after this one in its document, or None."""
        return self._related(NodeRelationship.NEXT)

    @property
    def parent_node(self) -> str | None:
        """The id of the larger node that this one is cut from, or None."""
        return self._related(NodeRelationship.PARENT)

    @property
    def child_nodes(self) -> list[str]:
        """The ids of the smaller nodes that this one is cut into."""
        children = self.relationships.get(NodeRelationship.CHILD, [])
        return [children] if isinstance(children, str) else list(children)

    def get_content(self, metadata_mode: MetadataMode = MetadataMode.NONE) -> str:
        """Return the text, and in front of it the metadata named by ``metadata_mode``: one ``key: value`` per line."""
        header = self.get_metadata_str(metadata_mode)
        return f"{header}\n\n{self.text}" if header and self.text else header or self.text

    def get_metadata_str(self, mode: MetadataMode = MetadataMode.ALL) -> str:
        """Return the metadata that ``mode`` names, one ``key: value`` a line."""
        mode = MetadataMode(mode)  # also its name alone, such as "none"
        if mode is MetadataMode.NONE:
            return ""
        excluded: list[str] = []
        if mode is MetadataMode.EMBED:
            excluded = self.excluded_embed_metadata_keys
        elif mode is MetadataMode.LLM:
            excluded = self.excluded_llm_metadata_keys
        return "\n".join(f"{key}: {value}" for key, value in self.metadata.items() if key not in excluded)

    def copied(self) -> Self:
        """Return a node that shares nothing with this one; what an index node leads to stays the same object."""
        other = copy(self)
        other.metadata = deepcopy(self.metadata)
        other.relationships = deepcopy(self.relationships)
        other.excluded_embed_metadata_keys = list(self.excluded_embed_metadata_keys)
        other.excluded_llm_metadata_keys = list(self.excluded_llm_metadata_keys)
        other.embedding = None if self.embedding is None else list(self.embedding)
        return other

    def _related(self, relationship: NodeRelationship) -> str | None:
        related = self.relationships.get(relationship)
        return related[0] if isinstance(related, list) and related else related or None  # type: ignore[return-value]


@dataclass(slots=True)
class IndexNode(Node):
    """A node that leads to something else: another node, a hit, a retriever or a query engine.

    Attributes:
        index_id: The key under which a retriever's ``object_map`` may hold the object.
        obj: The object itself; it is never stored.
    """

    index_id: str = ""
    obj: Any = None

    @classmethod
    def from_node(cls, node: Node, index_id: str, obj: Any = None) -> IndexNode:
        """Return an index node with the id, text and metadata of ``node`` that leads to ``obj``."""
        return cls(
            text=node.text,
            id=node.id,
            metadata=dict(node.metadata),
            relationships=dict(node.relationships),
            excluded_embed_metadata_keys=list(node.excluded_embed_metadata_keys),
            excluded_llm_metadata_keys=list(node.excluded_llm_metadata_keys),
            start_char_idx=node.start_char_idx,
            end_char_idx=node.end_char_idx,
            embedding=node.embedding,
            index_id=index_id,
            obj=obj,
        )


def _after_fork() -> None:
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
