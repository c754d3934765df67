"""What of a query a model can be shown."""

from __future__ import annotations

from retrieverkit_core.errors import QueryError
from retrieverkit_core.query import QueryBundle


def words_of(query: QueryBundle) -> str:
    """Return the words of a query; those of its texts where it has none itself.

    Raises:
        QueryError: It has none at all, so that nobody can judge by them.
    """
    words = query.query_str.strip() or "\n".join(filter(str.strip, query.custom_embedding_strs or ()))
    if not words:
        raise QueryError("the query has no words, and a model judges by words", fix="write what is looked for")
    return words
