"""What can go wrong between a model's Cypher and its rows."""

from __future__ import annotations

from retrieverkit_core.errors import RetrievalError

_SHOWN = 80


class CypherError(RetrievalError):
    """A Cypher query was not answered; nothing was retrieved."""

    code = "cypher"


class CypherRefusedError(CypherError):
    """A Cypher query is not one of those that may run.

    Attributes:
        reason: Why, without the text of the query.
        column: Where the trouble is, counted from 1 over the whole text.
    """

    code = "cypher_refused"

    def __init__(self, reason: str, *, text: str, column: int, fix: str = "") -> None:
        self.reason = reason
        self.column = column
        start = max(0, column - 1 - _SHOWN // 2)
        shown = "".join(c if c.isprintable() else " " for c in text[start : start + _SHOWN])
        super().__init__(f"{reason} (column {column})\n  {shown}\n  {' ' * (column - 1 - start)}^", fix=fix)


class CypherQueryError(CypherError):
    """The database cannot run a query that was allowed, such as one that names a property that there is not."""

    code = "cypher_query"


class CypherTimeoutError(CypherError, TimeoutError):
    """A query took longer than a Cypher query may; its process was ended."""

    code = "cypher_timeout"


class CypherWorkerError(CypherError):
    """The process that ran the query ended, by the memory it took or by a fault; the next query has a new one."""

    code = "cypher_worker"
    retryable = True
