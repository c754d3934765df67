"""What is read from the corpus file by more than one part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrieverkit.corpus.rows import encoded, is_as_written, root_of_chain
from retrieverkit.corpus.statements import CHAIN_AT, DOCUMENT_OF, HEAD, SELECT_NODES, ByValues
from retrieverkit_core.corpus import Cursor

if TYPE_CHECKING:
    from retrieverkit.corpus.connections import CorpusConnection

BY_ORDINALS = ByValues.of(f"{SELECT_NODES} WHERE ordinal IN")
REMOVED_SINCE = "SELECT ordinal FROM log WHERE seq > ? AND op = ? ORDER BY seq"


def known_head(connection: CorpusConnection, corpus_id: str) -> Cursor:
    """Return the place behind the last change, reading it only where something was committed since the last look."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    if version != connection.version or connection.head is None:
        connection.head = head_of(connection, corpus_id)
        connection.version = version  # looked at before the head: what is committed between is seen the next time
    return connection.head


def head_of(connection: CorpusConnection, corpus_id: str) -> Cursor:
    """Return the place behind the last change that ``connection`` sees."""
    return cursor_of(connection.execute(HEAD).fetchone(), corpus_id)


def cursor_of(row: tuple[int, bytes] | None, corpus_id: str) -> Cursor:
    """Return the cursor of a row of `HEAD`, which is None before the first change."""
    seq, chain = row or (0, root_of_chain(corpus_id))
    return Cursor(corpus_id, seq, chain.hex())


def chain_at(connection: CorpusConnection, seq: int) -> str | None:
    """Return the hash over all changes up to ``seq``, None where there is no such change."""
    row = connection.execute(CHAIN_AT, (seq,)).fetchone()
    return None if row is None else str(row[0].hex())


def content_of(connection: CorpusConnection, row: Sequence[Any]) -> Sequence[Any]:
    """Return what a row of `SELECT_NODES` holds of the node itself.

    Raises:
        ValueError: It is not what was written.
    """
    content = row[2:]

    def document() -> bytes | None:
        found = connection.execute(DOCUMENT_OF, (row[0],)).fetchone()
        return None if found is None else str(found[0]).encode()

    if not is_as_written(row[1], encoded(content), document):
        raise ValueError(f"node {row[2]!r} was changed outside of RetrieverKit")
    return content
