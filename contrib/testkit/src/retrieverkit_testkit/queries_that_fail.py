"""Queries that fail where they are read."""

from __future__ import annotations

from retrieverkit_core.query import QueryBundle


class Unreadable(QueryBundle):
    """A query whose words cannot be read: an engine that fails, for whatever reads them."""

    __slots__ = ()

    @property
    def query_str(self) -> str:
        """Fail."""
        raise OSError("the engine is gone")

    @query_str.setter
    def query_str(self, text: str) -> None:
        pass
