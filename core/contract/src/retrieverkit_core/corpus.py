"""The protocol between a corpus and what is derived from it.

A corpus is the single source of truth. Each node it holds has an *ordinal*: a positive integer that only grows and is
never used again, not even when the same node is replaced. Every change is appended to a log. A *cursor* names a place
in that log so that it can be recognised: a bare number would silently skip nodes after a roll-back or a restored copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.nodes import Document, Node


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The settings of a corpus. They hold for every mode.

    Attributes:
        language: The language of the texts, as an ISO 639-1 code.
        searched: The metadata fields that are searched and embedded with a node's text, in this order.
        splitter: How documents are cut that are added: a name with options, "" for the usual way. It is set when the
            corpus is made, so that all documents are cut in one way.

    Raises:
        ConfigError: A value has the wrong type.
    """

    language: str = "en"
    searched: tuple[str, ...] = ("title",)
    splitter: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.language, str) or not self.language:
            raise ConfigError(
                f"language is {shorten(repr(self.language))}, not the code of a language", fix="write 'en' or 'de'"
            )
        fields = self.searched
        if isinstance(fields, str) or not all(isinstance(field, str) and field for field in fields):
            raise ConfigError(
                f"searched is {shorten(repr(fields))}, not the names of metadata fields",
                fix="write ('title', 'author')",
            )
        object.__setattr__(self, "searched", tuple(dict.fromkeys(fields)))


def searched_text(node: Node, settings: IndexSettings) -> str:
    """Return the text that a node is found by: the fields that are searched, in their order, and its own text.

    Fields that the node leaves out by ``excluded_embed_metadata_keys`` are not in it, nor are values that are neither
    text nor a number, nor lists of these.

    Args:
        node: The node.
        settings: Those of its corpus.
    """
    parts = [
        text
        for field in settings.searched
        if field not in node.excluded_embed_metadata_keys and (text := _in_words(node.metadata.get(field)))
    ]
    return " ".join([*parts, node.text])


def _in_words(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, (list, tuple)):
        return " ".join(filter(None, map(_in_words, value)))
    return ""


class Cursor(NamedTuple):
    """A place in a corpus's change log.

    Attributes:
        corpus_id: The random id that the corpus was created with.
        seq: The number of the last change before this place; 0 is the beginning.
        chain: Hex hash over all changes up to and including ``seq``.
    """

    corpus_id: str
    seq: int
    chain: str


class StoredNode(NamedTuple):
    """A node with its ordinal in the corpus."""

    ordinal: int
    node: Node


class CorpusSnapshot(Protocol):
    """One consistent view of a corpus, unmoved by later writes."""

    @property
    def cursor(self) -> Cursor:
        """The place in the log that this view shows."""
        ...

    def count(self) -> int:
        """Return the number of nodes."""
        ...

    def nodes(self) -> Iterator[StoredNode]:
        """Yield every node by ascending ordinal."""
        ...

    def added(self, since: Cursor) -> Iterator[StoredNode]:
        """Yield, by ascending ordinal, the nodes of this view that were added after ``since``."""
        ...

    def removed(self, since: Cursor) -> Iterator[int]:
        """Yield the ordinals of nodes removed after ``since``; some may have been added after it too."""
        ...


@runtime_checkable
class Corpus(Protocol):
    """A store of nodes that modes derive their indexes from. Safe to use from many threads."""

    @property
    def corpus_id(self) -> str:
        """The random id that the corpus was created with."""
        ...

    @property
    def settings(self) -> IndexSettings:
        """The settings of the corpus. A change of them moves `head`, as a change of nodes does."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the corpus may be written here; if not, nothing is written beside it either."""
        ...

    def head(self) -> Cursor:
        """Return the place behind the last committed change. Cheap enough to call on every query."""
        ...

    def holds(self, cursor: Cursor) -> bool:
        """Return whether ``cursor`` is a place in this corpus's own history."""
        ...

    def snapshot(self) -> AbstractContextManager[CorpusSnapshot]:
        """Open a consistent view."""
        ...

    def fetch(self, ordinals: Sequence[int]) -> list[Node | None]:
        """Return the node at each ordinal in the order asked, None where it has been removed."""
        ...

    def get(self, node_ids: Sequence[str]) -> list[Node | None]:
        """Return the node with each id in the order asked, None where there is none."""
        ...

    def fields(self) -> Mapping[str, frozenset[str]]:
        """Return the kinds of value (see `filters.values.kind_of`) that each metadata field holds."""
        ...


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What one committed change did, as document ids in the order given.

    Attributes:
        added: Documents that were not there before.
        changed: Documents whose nodes were replaced.
        unchanged: Documents that were there already, exactly as given; nothing was written for them.
        removed: Documents that were deleted.
        missing: Ids that were to be deleted and are not there.
        notes: What the caller should know, such as the language that was detected.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class SourceContent(NamedTuple):
    """All that one source, such as a file, holds now.

    Attributes:
        source: The source's identity from one time to the next.
        fingerprint: Of the content that the documents were made from; None where it has to be read again.
        documents: Each document with the nodes it was cut into.
    """

    source: str
    fingerprint: str | None
    documents: Sequence[tuple[Document, Sequence[Node]]]


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage that a check of a corpus found.

    Attributes:
        where: The part of the corpus: ``file``, ``meta``, ``document``, ``node``, ``log`` or ``fields``.
        what: Which item, as far as it can be named.
        detail: What is wrong with it.
    """

    where: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}: {self.detail}" if self.what else f"{self.where}: {self.detail}"


@runtime_checkable
class WritableCorpus(Corpus, Protocol):
    """A corpus that an index can be kept in: it stores whole documents with the nodes they were cut into.

    Each change is made whole or not at all. All of it is safe to use from many threads.
    """

    def replace(self, documents: Iterable[tuple[Document, Sequence[Node]]]) -> ChangeReport:
        """Add documents with their nodes, and replace those that changed.

        Raises:
            InvalidDocumentError: A document cannot be stored faithfully; nothing was stored.
            CorpusError: The corpus cannot be written.
        """
        ...

    def amend(self, documents: Iterable[tuple[Document, Sequence[Node]]], *, at: Cursor) -> ChangeReport:
        """Replace documents that are there, whatever source they are of; no source is read again because of it.

        Args:
            documents: Each document with its nodes.
            at: The state of the corpus that they were made from.

        Raises:
            CorpusBusyError: The corpus has changed since; nothing was stored.
            InvalidDocumentError: A document cannot be stored faithfully; nothing was stored.
            CorpusError: The corpus cannot be written.
        """
        ...

    def delete(self, doc_ids: Iterable[str]) -> ChangeReport:
        """Remove documents and their nodes; ids that are not there are reported as missing.

        Raises:
            CorpusError: The corpus cannot be written.
        """
        ...

    def configure(self, *, language: str | None = None, searched: Sequence[str] | None = None) -> IndexSettings:
        """Change settings and return all of them; None leaves one as it is.

        Raises:
            ConfigError: A value cannot be used.
            CorpusError: The corpus cannot be written.
        """
        ...

    def replace_sources(self, contents: Sequence[SourceContent]) -> ChangeReport:
        """Make the documents of some sources be exactly these.

        Raises:
            InvalidDocumentError: A document cannot be stored faithfully, or belongs elsewhere; nothing was stored.
            CorpusError: The corpus cannot be written.
        """
        ...

    def remove_sources(self, sources: Iterable[str]) -> ChangeReport:
        """Remove sources and their documents.

        Raises:
            CorpusError: The corpus cannot be written.
        """
        ...

    def sources(self) -> Mapping[str, str | None]:
        """Return the fingerprint of each source, None where it has to be read again."""
        ...

    def sources_of(self, doc_ids: Iterable[str]) -> Mapping[str, str | None]:
        """Return the source of each of these documents that there is, None where it came from no source."""
        ...

    def document(self, doc_id: str) -> Document | None:
        """Return the document with that id, None where there is none."""
        ...

    def document_ids(self) -> list[str]:
        """Return the id of each document, in the order they were first added."""
        ...

    def count(self) -> int:
        """Return the number of nodes."""
        ...

    def check(self) -> list[Problem]:
        """Read everything that is stored and return all that is wrong with it."""
        ...

    def warnings(self) -> list[str]:
        """Return what is to be known about the machine or the software that the corpus is stored with."""
        ...

    def close(self) -> None:
        """Close what is open. Closing twice is allowed."""
        ...
