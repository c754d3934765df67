"""SQL that more than one part of the corpus uses, and lists as parameters of fixed statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEAD = "SELECT seq, chain FROM log ORDER BY seq DESC LIMIT 1"

CHAIN_AT = "SELECT chain FROM log WHERE seq = ?"

SELECT_NODES = """
SELECT ordinal, hash, node_id, metadata, relationships, excluded, start_char, end_char, index_id, text, embedding
FROM nodes
"""

DOCUMENT_OF = "SELECT doc_id FROM documents JOIN nodes USING (doc_key) WHERE ordinal = ?"

FEW, MANY = 16, 256
"""How many values the statements of `ByValues` take: SQLite's work grows with the places, filled or not."""


class ByValues(NamedTuple):
    """One query for a list of values, as prepared statements for few and for many."""

    few: str
    many: str

    @classmethod
    def of(cls, query: str) -> ByValues:
        """Return the statements of a query that ends with ``IN``."""
        return cls(*(f"{query} ({', '.join('?' * size)})" for size in (FEW, MANY)))

    def batches(self, values: Sequence[object]) -> Iterator[tuple[str, list[object]]]:
        """Yield statements with their values; what is left of the last is None, which equals nothing in SQL."""
        statement, size = (self.few, FEW) if len(values) <= FEW else (self.many, MANY)
        for start in range(0, len(values), size):
            part = [*values[start : start + size]]
            yield statement, part + [None] * (size - len(part))


SOURCES_BY_ID = ByValues.of("SELECT doc_id, source FROM documents WHERE doc_id IN")


def is_storable(text: str) -> bool:
    """Return whether SQLite can be asked for ``text``: half a surrogate pair is never in a corpus."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
