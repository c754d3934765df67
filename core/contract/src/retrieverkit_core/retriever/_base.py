"""What every retriever is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import IndexNode
from retrieverkit_core.observers import Observers
from retrieverkit_core.plugin import NO_PUSHDOWN, FilterCapabilities
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import _call as call
from retrieverkit_core.scores import UNSCORED, ScoreSpec

if TYPE_CHECKING:
    import pluggy

    from retrieverkit_core.filters import MetadataFilter
    from retrieverkit_core.plugin import ModeSpec

_FINAL = ("retrieve", "aretrieve", "retrieve_many", "aretrieve_many")


class BaseRetriever:
    """Fetches the nodes that are most relevant to a query.

    Subclasses implement `_retrieve`, `_aretrieve` or both, and may implement `_retrieve_many` where their engine
    answers many queries at once. They are given a query whose ``top_k`` is the number of candidates wanted (None for
    all) and whose ``filters`` are the part that `can_push` accepted, with the scope; that part they must apply.
    Everything else is done around them: other filters, index nodes, duplicates, deadlines, observers, threads.

    Attributes:
        scores: What the scores mean; hits must come in this order.
        filter_capabilities: Which filter operators the retriever applies itself.
        default_top_k: How many hits a query gets that does not say; None for all.
        answers_blank: Whether a query without words or vector has an answer; otherwise it finds nothing.
        name: The leg's name in results and messages.
        distribution: The distribution that ships the retriever, for messages.
        known_fields: Returns the kinds of value by metadata field, or None where they are not known.
        notes: What every result should tell its reader, such as the model that is used.
    """

    scores: ScoreSpec = UNSCORED
    filter_capabilities: FilterCapabilities = NO_PUSHDOWN
    default_top_k: int | None = None
    answers_blank: bool = False
    name: str = ""
    distribution: str = ""
    known_fields: Callable[[], Mapping[str, frozenset[str]]] | None = None
    notes: tuple[str, ...] = ()

    _is_sync: ClassVar[bool] = False
    _is_async: ClassVar[bool] = False
    _is_batch: ClassVar[bool] = False
    _object_map: Mapping[str, Any] = {}
    _observers: Observers | None = None
    _verbose: bool = False

    def __init__(
        self,
        *,
        object_map: Mapping[str, Any] | None = None,
        objects: Iterable[IndexNode] | None = None,
        hooks: Observers | pluggy.PluginManager | None = None,
        verbose: bool = False,
    ) -> None:
        """Set what every retriever can be given.

        Args:
            object_map: What index nodes lead to, by ``index_id``.
            objects: Index nodes that hold their objects; they win over ``object_map``.
            hooks: Observers, or a plugin manager with the three hookspecs.
            verbose: Print which retriever is entered on the way.
        """
        self._object_map = {**(object_map or {}), **{node.index_id: node.obj for node in objects or ()}}
        self._observers = hooks if hooks is None or isinstance(hooks, Observers) else Observers(hooks)
        self._verbose = verbose

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _FINAL:
            if name in cls.__dict__:
                raise TypeError(f"{cls.__name__}.{name} is final; implement _{name.removeprefix('a')} or _a… instead")
        cls._is_sync = cls._retrieve is not BaseRetriever._retrieve
        cls._is_async = cls._aretrieve is not BaseRetriever._aretrieve
        cls._is_batch = cls._retrieve_many is not BaseRetriever._retrieve_many
        if not cls.name:
            cls.name = cls.__name__

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if not (cls._is_sync or cls._is_async):
            raise TypeError(f"{cls.__name__} implements neither _retrieve nor _aretrieve")
        return super().__new__(cls)

    # What authors implement

    def _retrieve(self, query_bundle: QueryBundle) -> Sequence[NodeWithScore]:
        """Return candidates, best first. Implement this, `_aretrieve`, or both."""
        raise NotImplementedError

    async def _aretrieve(self, query_bundle: QueryBundle) -> Sequence[NodeWithScore]:
        """Return candidates, best first, without blocking the event loop."""
        raise NotImplementedError

    def _retrieve_many(self, query_bundles: Sequence[QueryBundle]) -> Sequence[Sequence[NodeWithScore] | Exception]:
        """Return the candidates of each query, or its error; implement it where the engine answers many at once."""
        raise NotImplementedError

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return whether the retriever applies this one condition itself, exactly, also inside and, or and not."""
        return filter.operator.value in self.filter_capabilities.operators

    # What callers use

    @final
    def retrieve(self, query: str | QueryBundle) -> RetrievalResult:
        """Return the most relevant nodes.

        Args:
            query: The query, in words or as a bundle with limits and filters.

        Raises:
            QueryError: The value cannot be a query.
            FilterError: The filters ask for what cannot be.
            DeadlineExceededError: The bundle's ``timeout`` passed.
            RetrievalError: The retriever failed; its error is chained.
            PluginContractError: The retriever returned what the contract forbids.
        """
        return call.retrieve(self, QueryBundle.of(query))

    @final
    async def aretrieve(self, query: str | QueryBundle) -> RetrievalResult:
        """As `retrieve`, without blocking the event loop."""
        return await call.aretrieve(self, QueryBundle.of(query))

    @final
    def retrieve_many(self, queries: Iterable[str | QueryBundle]) -> list[RetrievalResult]:
        """Return one result a query, using the engine's own batching where it has one.

        Raises:
            BatchError: Some queries failed; it holds the results of the others.
        """
        return call.retrieve_many(self, [QueryBundle.of(query) for query in queries])

    @final
    async def aretrieve_many(self, queries: Iterable[str | QueryBundle]) -> list[RetrievalResult]:
        """As `retrieve_many`, without blocking the event loop."""
        return await call.aretrieve_many(self, [QueryBundle.of(query) for query in queries])

    def bind(
        self,
        *,
        name: str,
        distribution: str,
        spec: ModeSpec,
        known_fields: Callable[[], Mapping[str, frozenset[str]]] | None = None,
        object_map: Mapping[str, Any] | None = None,
        observers: Observers | None = None,
        verbose: bool = False,
    ) -> None:
        """Tell the retriever what a registry knows of it; what it was constructed with stays.

        Args:
            name: The mode, for results and messages.
            distribution: The distribution that ships it.
            spec: The mode's declaration; its scores and filters hold where the retriever declares none.
            known_fields: Returns the kinds of value by metadata field.
            object_map: What index nodes lead to.
            observers: Who is told of retrievals.
            verbose: Print which retriever is entered on the way.
        """
        self.name, self.distribution = name, distribution
        if self.scores is UNSCORED:
            self.scores = spec.scores
        if self.filter_capabilities is NO_PUSHDOWN:
            self.filter_capabilities = spec.filters
        self.known_fields = self.known_fields or known_fields
        self._object_map = {**(object_map or {}), **self._object_map}
        self._observers = self._observers or observers
        self._verbose = self._verbose or verbose

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>" if self.name != type(self).__name__ else f"<{self.name}>"
