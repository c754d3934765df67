"""What is asked of a retriever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from retrieverkit_core.errors import QueryError, shorten

if TYPE_CHECKING:
    from retrieverkit_core.budget import Budget
    from retrieverkit_core.filters import FiltersLike, MetadataFilters

MAX_QUERY_CHARS = 2_000_000
"""The longest query text that is accepted, in characters."""

UNLIMITED = 2**31 - 1
"""The ``top_k`` that asks for every hit. What a retriever's author is given is never None."""

MAX_TIMEOUT = 31_536_000
"""The longest timeout in seconds: a year, which every clock can count."""


class QueryBundle:
    """A query and the limits on its answer. Immutable.

    Attributes:
        query_str: What is asked, in words.
        embedding: A vector to search with in place of the embedded words, or None.
        custom_embedding_strs: Texts to embed in place of ``query_str``, or None.
        top_k: At most this many hits; None leaves it to the retriever, `UNLIMITED` and above ask for all.
        filters: Only nodes whose metadata passes.
        scope: A mandatory filter (tenant, principal) that holds in every leg.
        timeout: Seconds within which the answer must come, or None.
        budget: What may be spent on models, or None.
        explain: Whether the result records how it came about.

    Raises:
        QueryError: A part has the wrong type or value.
    """

    __slots__ = (
        "budget",
        "custom_embedding_strs",
        "embedding",
        "explain",
        "filters",
        "query_str",
        "scope",
        "timeout",
        "top_k",
    )

    query_str: str
    embedding: tuple[float, ...] | None
    custom_embedding_strs: tuple[str, ...] | None
    top_k: int | None
    filters: MetadataFilters | None
    scope: MetadataFilters | None
    timeout: float | None
    budget: Budget | None
    explain: bool

    def __init__(
        self,
        query_str: str,
        embedding: Sequence[float] | None = None,
        custom_embedding_strs: Sequence[str] | None = None,
        top_k: int | None = None,
        filters: MetadataFilters | None = None,
        scope: MetadataFilters | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
        explain: bool = False,
    ) -> None:
        if type(query_str) is not str and not isinstance(query_str, str):
            raise QueryError(f"a query is a string, not {type(query_str).__name__}")
        if len(query_str) > MAX_QUERY_CHARS or not query_str.isascii():
            _check_text(query_str)
        if top_k is not None:
            top_k = _checked_top_k(top_k)
        if embedding is not None:
            embedding = _checked_embedding(embedding)
        if custom_embedding_strs is not None:
            custom_embedding_strs = _checked_texts(custom_embedding_strs)
        if filters is not None or scope is not None:
            _check_filters(filters=filters, scope=scope)
        if timeout is not None:
            _check_timeout(timeout)
        if budget is not None:
            _check_budget(budget)
        if explain is not False and explain is not True:
            raise QueryError(f"explain is True or False, not {shorten(repr(explain))}")
        put = object.__setattr__
        put(self, "query_str", query_str)
        put(self, "embedding", embedding)
        put(self, "custom_embedding_strs", custom_embedding_strs)
        put(self, "top_k", top_k)
        put(self, "filters", filters)
        put(self, "scope", scope)
        put(self, "timeout", timeout)
        put(self, "budget", budget)
        put(self, "explain", explain)

    @classmethod
    def of(
        cls,
        query: str | QueryBundle,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
        explain: bool | None = None,
    ) -> QueryBundle:
        """Return a bundle around ``query`` with the limits that are given laid over it.

        Args:
            query: Words, or a bundle; it is returned itself where nothing is laid over it.
            top_k: In place of the bundle's, unless None.
            filters: In place of the bundle's, unless None.
            scope: Holds together with the bundle's.
            timeout: In place of the bundle's, unless None.
            budget: In place of the bundle's, unless None.
            explain: In place of the bundle's, unless None.

        Raises:
            QueryError: A value cannot be part of a query.
            FilterError: The filters or the scope cannot be read.
        """
        bundle = query if isinstance(query, QueryBundle) else cls(query)
        limited = top_k is not None or filters is not None or scope is not None or timeout is not None
        if not limited and budget is None and explain is None:
            return bundle
        from retrieverkit_core.filters import MetadataFilters

        laid_over: dict[str, Any] = {"top_k": top_k, "timeout": timeout, "budget": budget, "explain": explain}
        laid_over["filters"] = None if filters is None else MetadataFilters.of(filters)
        if scope is not None:
            laid_over["scope"] = MetadataFilters.and_(bundle.scope, MetadataFilters.of(scope))
        return bundle.replace(**{name: value for name, value in laid_over.items() if value is not None})

    @classmethod
    def many(cls, queries: Iterable[str | QueryBundle]) -> list[QueryBundle]:
        """Return a bundle around each of ``queries``.

        Raises:
            QueryError: It is a single query, or one of them cannot be a query.
        """
        if isinstance(queries, (str, bytes, QueryBundle)) or not isinstance(queries, Iterable):
            raise QueryError(f"queries are several, not {type(queries).__name__}", fix="put a single query into [ ]")
        return [cls.of(query) for query in queries]

    @property
    def embedding_strs(self) -> tuple[str, ...]:
        """The texts to embed: the custom ones, else the query; none if the query is empty."""
        if self.custom_embedding_strs is not None:
            return self.custom_embedding_strs
        return (self.query_str,) if self.query_str else ()

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to rank by: no words and no vector."""
        return (
            self.embedding is None
            and not self.query_str.strip()
            and not any(text.strip() for text in self.custom_embedding_strs or ())
        )

    def asking(self, top_k: int | None, filters: MetadataFilters | None) -> QueryBundle:
        """Return the query for a retriever's author: with an explicit limit, and the filters that it must apply."""
        if self.top_k == top_k and self.filters is filters:
            return self
        other = object.__new__(QueryBundle)
        put = object.__setattr__  # once per call of every retriever: written out, it is twice as fast as a loop
        put(other, "query_str", self.query_str)
        put(other, "embedding", self.embedding)
        put(other, "custom_embedding_strs", self.custom_embedding_strs)
        put(other, "top_k", top_k)
        put(other, "filters", filters)
        put(other, "scope", self.scope)
        put(other, "timeout", self.timeout)
        put(other, "budget", self.budget)
        put(other, "explain", self.explain)
        return other

    def replace(self, **changes: Any) -> QueryBundle:
        """Return a copy with ``changes`` to its attributes.

        Raises:
            QueryError: A change is to what a query does not have, or to what it cannot be.
        """
        unknown = changes.keys() - set(self.__slots__)
        if unknown:
            raise QueryError(f"a query has no {', '.join(sorted(unknown))}")
        checked = QueryBundle(**{"query_str": self.query_str, **changes})
        return self._copy({name: getattr(checked, name) for name in changes})

    def _copy(self, changes: dict[str, Any]) -> QueryBundle:
        other = object.__new__(QueryBundle)
        put = object.__setattr__
        for name in self.__slots__:
            put(other, name, changes[name] if name in changes else getattr(self, name))
        return other

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a QueryBundle never changes; use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a QueryBundle never changes")

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, QueryBundle) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.query_str, self.embedding, self.custom_embedding_strs, self.top_k, self.timeout, self.budget))

    def __repr__(self) -> str:
        parts = [repr(self.query_str)]
        parts += [
            f"{n}={getattr(self, n)!r}"
            for n in self.__slots__
            if n != "query_str" and getattr(self, n) not in (None, False)
        ]
        return f"QueryBundle({', '.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        names = (
            "query_str",
            "embedding",
            "custom_embedding_strs",
            "top_k",
            "filters",
            "scope",
            "timeout",
            "budget",
            "explain",
        )
        return QueryBundle, tuple(getattr(self, name) for name in names)


QueryType = str | QueryBundle


def _check_text(text: str) -> None:
    if len(text) > MAX_QUERY_CHARS:
        raise QueryError(f"the query has {len(text)} characters; at most {MAX_QUERY_CHARS} are accepted")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError("the query holds half a surrogate pair, which is not a character") from None


def _checked_top_k(top_k: SupportsIndex) -> int:
    """Return the limit as an int: other whole numbers may be too small to be counted on with."""
    try:
        limit = top_k if type(top_k) is int else index(top_k)
    except TypeError:
        limit = -1
    if isinstance(top_k, bool) or (limit < 0 and not isinstance(top_k, int)):
        raise QueryError(f"top_k is a whole number from 0 up, not {top_k!r}")
    if limit < 0:
        raise QueryError(
            f"top_k is {top_k}; it must not be negative",
            fix="top_k=0 gives no hits, None the mode's own number",
        )
    return min(limit, UNLIMITED)


def _checked_embedding(embedding: Sequence[float]) -> tuple[float, ...]:
    if isinstance(embedding, (str, bytes)):
        raise QueryError(f"the query's embedding is a sequence of numbers, not {type(embedding).__name__}")
    try:
        vector = tuple(map(float, embedding))
    except (TypeError, ValueError, OverflowError) as error:
        raise QueryError(f"the query's embedding is not a sequence of numbers: {error}") from error
    finite = math.isfinite(sum(vector)) or all(map(math.isfinite, vector))  # a sum of finite numbers may overflow
    if not vector or not finite:
        raise QueryError("the query's embedding is empty or not finite")
    return vector


def _checked_texts(texts: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(texts, Iterable) or isinstance(texts, str):
        raise QueryError(f"custom_embedding_strs is a sequence of strings, not {type(texts).__name__}")
    given = tuple(texts)
    if not all(isinstance(text, str) for text in given):
        raise QueryError("custom_embedding_strs is a sequence of strings")
    _check_text("".join(given))
    return given


def _check_filters(**trees: object) -> None:
    from retrieverkit_core.filters import MetadataFilters

    for name, tree in trees.items():
        if tree is not None and not isinstance(tree, MetadataFilters):
            raise QueryError(
                f"{name} is a MetadataFilters, not {type(tree).__name__}",
                fix='write MetadataFilters.parse("year >= 1960")',
            )


def _check_budget(budget: object) -> None:
    from retrieverkit_core.budget import Budget

    if not isinstance(budget, Budget):
        raise QueryError(f"budget is a Budget, not {type(budget).__name__}", fix="write Budget(llm_calls=3)")


def _check_timeout(timeout: object) -> None:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= MAX_TIMEOUT:
        raise QueryError(
            f"timeout is a positive number of seconds, at most {MAX_TIMEOUT}, not {timeout!r}",
            fix="leave it out for no limit",
        )
