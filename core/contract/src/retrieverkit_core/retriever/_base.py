"""What every retriever is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Never, Self, final

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import IndexNode
from retrieverkit_core.observers import Observers
from retrieverkit_core.plan import Plan
from retrieverkit_core.plugin import NO_PUSHDOWN, FilterCapabilities
from retrieverkit_core.prompts import Prompts
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import _driving, _many
from retrieverkit_core.scores import UNSCORED, ScoreSpec

if TYPE_CHECKING:
    import pluggy

    from retrieverkit_core.budget import Budget
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.explain import Change, Sought, WhyNot
    from retrieverkit_core.filters import FiltersLike, MetadataFilter
    from retrieverkit_core.operators import Weighted
    from retrieverkit_core.plugin import ModeSpec
    from retrieverkit_core.retriever._origin import Origin

Hits = Sequence[NodeWithScore] | Found
"""What an author returns: hits, or what was found by ordinals and is read by core after the cut."""

_FINAL = (
    "retrieve",
    "aretrieve",
    "retrieve_many",
    "aretrieve_many",
    "candidates",
    "acandidates",
    "candidates_many",
    "plan",
    "why_not",
)


def _height(cls: type, method: str) -> int:
    """Return how many classes stand between ``cls`` and the one that defines ``method``."""
    return next(at for at, base in enumerate(cls.__mro__) if method in base.__dict__)


def _held(objects: Iterable[IndexNode]) -> dict[str, Any]:
    """Return what index nodes hold, by ``index_id``.

    Raises:
        ConfigError: Something is not an index node, or is not told from others by its ``index_id``.
    """
    held: dict[str, Any] = {}
    for node in objects:
        if not isinstance(node, IndexNode):
            raise ConfigError(f"objects are index nodes, not {type(node).__name__}", fix="pass those alone")
        if node.obj is None:
            continue
        if not node.index_id or held.setdefault(node.index_id, node.obj) is not node.obj:
            problem = "is that of another object too" if node.index_id else "is empty"
            raise ConfigError(
                f"the index_id of index node {shorten(node.id)!r} {problem}", fix="give each object an index_id"
            )
    return held


class BaseRetriever:
    """Fetches the nodes that are most relevant to a query.

    Subclasses implement `_retrieve`, `_aretrieve` or both, and may implement `_retrieve_many` where their engine
    answers many queries at once. They are given a query whose ``top_k`` is the number of candidates wanted, never
    None (`query.UNLIMITED` asks for all), and whose ``filters`` are the part that `can_push` accepted, with the
    scope; that part they must apply, but for index nodes that lead on, which must pass
    (`MetadataFilters.admits`). So the query can be passed on to another retriever as it is. Everything else is done
    around them: other filters, index nodes, duplicates, deadlines, observers, threads.

    Attributes:
        scores: What the scores mean; hits must come in this order. None where nothing is declared.
        filter_capabilities: Which filter operators the retriever applies itself. None where nothing is declared.
        default_top_k: How many hits a query gets that does not say; None for all.
        chooses_top_k: Whether the author finds in the query how many hits it gets, and cuts them himself: a query that
            does not say is given on with None as its ``top_k``.
        answers_blank: Whether a query without words or vector has an answer; otherwise it finds nothing.
        asks_model: Whether a language model is shown nodes for each query. Such a retriever applies all filters and the
            scope itself, before the model sees any text. It gets all of them, also where index nodes lead on; these
            must then pass by themselves too. It is asked once, without a limit, as asking again for more costs again.
        replaces_nodes: Whether hits stand for what inner retrievers found: on other nodes, or with other texts. Such a
            retriever must make sure that its replacements pass too. It gets all filters, also where index nodes lead
            on; these must then pass by themselves too.
        name: The leg's name in results and messages.
        distribution: The distribution that ships the retriever, for messages.
        known_fields: Returns the kinds of value by metadata field, or None where they are not known.
        is_empty: Returns whether there is nothing to retrieve from, which an answer without hits then says.
        notes: What every result should tell its reader, such as the model that is used.
        prompts: The prompts for language models, by name; see `get_prompts`.
    """

    scores: ScoreSpec | None = None
    filter_capabilities: FilterCapabilities | None = None
    default_top_k: int | None = None
    chooses_top_k: bool = False
    answers_blank: bool = False
    asks_model: bool = False
    replaces_nodes: bool = False
    name: str = ""
    distribution: str = ""
    known_fields: Callable[[], Mapping[str, frozenset[str]] | None] | None = None
    is_empty: Callable[[], bool] | None = None
    notes: tuple[str, ...] = ()
    prompts: Mapping[str, str] = {}
    _searched_corpus: Corpus | None = None
    _changed_source: Callable[[str], str] | None = None

    # Each with the id of the retriever that it holds for: a copy is changed, and is not what was built.
    _origin: tuple[int, Origin | None] = (0, None)
    _sum_of: tuple[int, tuple[float, ...]] = (0, ())
    __array_ufunc__: ClassVar[None] = None

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

        Raises:
            ConfigError: Among ``objects`` are two under one ``index_id``, or one without any.
        """
        self._object_map = {**(object_map or {}), **_held(objects or ())}
        self._observers = hooks if hooks is None or isinstance(hooks, Observers) else Observers(hooks)
        self._verbose = verbose

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _FINAL:
            if name in cls.__dict__:
                raise TypeError(f"{cls.__name__}.{name} is final; implement _retrieve, _aretrieve or _retrieve_many")
        # A class that overrides one way to answer is not answered for by the other ways of its base.
        one = min(_height(cls, "_retrieve"), _height(cls, "_aretrieve"))
        cls._is_sync = one == _height(cls, "_retrieve") and cls._retrieve is not BaseRetriever._retrieve
        cls._is_async = one == _height(cls, "_aretrieve") and cls._aretrieve is not BaseRetriever._aretrieve
        overridden = cls._retrieve_many is not BaseRetriever._retrieve_many
        cls._is_batch = overridden and _height(cls, "_retrieve_many") <= one
        if not cls.name:
            cls.name = cls.__name__

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if not (cls._is_sync or cls._is_async):
            raise TypeError(f"{cls.__name__} implements neither _retrieve nor _aretrieve")
        return super().__new__(cls)

    # What authors implement

    def _retrieve(self, query_bundle: QueryBundle) -> Hits:
        """Return candidates, best first. Implement this, `_aretrieve`, or both."""
        raise NotImplementedError

    async def _aretrieve(self, query_bundle: QueryBundle) -> Hits:
        """Return candidates, best first, without blocking the event loop."""
        raise NotImplementedError

    def _retrieve_many(self, query_bundles: Sequence[QueryBundle]) -> Sequence[Hits | Exception]:
        """Return the candidates of each query, or its error; implement it where the engine answers many at once."""
        raise NotImplementedError

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return whether the retriever applies this one condition itself, exactly, also inside and, or and not."""
        return filter.operator.value in self.capabilities.operators and not filter.asks_ids

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        """Return what a query would do and spend, without doing it; implement it where a model may be asked.

        What is not said is not taken for nothing: without this the plan is not known.

        Args:
            query_bundle: The caller's query, with all limits.
        """
        return Plan.unknown(self.name, [leg.plan(query_bundle) for leg in self.sub_retrievers])

    def _remedies(self, sought: Sought) -> Iterable[tuple[Change, BaseRetriever]]:
        """Yield changes to the retriever's settings with which a node would be returned, each with the changed copy.

        A composite implements it. Each is tried first, with `Sought.enters`, which says whether a changed copy returns
        the node.

        Args:
            sought: The node.
        """
        return ()

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """The retrievers that this one asks for every query; none unless it is a composite.

        A composite has a moment past its deadline to hand over what its legs found in time.
        """
        return ()

    # What callers use

    @final
    def retrieve(
        self,
        query: str | QueryBundle,
        *,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
        explain: bool | None = None,
    ) -> RetrievalResult:
        """Return the most relevant nodes.

        Args:
            query: The query, in words or as a bundle with limits and filters.
            top_k: At most this many hits, in place of what the bundle says.
            filters: Only nodes whose metadata passes, as text, plain data or `MetadataFilters`, in place of what the
                bundle says.
            scope: A mandatory filter that holds in every leg, together with that of the bundle.
            timeout: Seconds within which the answer must come, in place of what the bundle says.
            budget: What may be spent on models, in place of what the bundle says.
            explain: Whether ``result.explain()`` is to tell how the answer came about, in place of what the bundle
                says. The hits are the same; it takes longer.

        Raises:
            QueryError: The value cannot be a query.
            FilterError: The filters ask for what cannot be.
            DeadlineExceededError: The ``timeout`` passed.
            BudgetExceededError: The ``budget`` does not allow what would be spent next.
            RetrievalError: The retriever failed; its error is chained.
            PluginContractError: The retriever returned what the contract forbids.
        """
        return _driving.retrieve(self, QueryBundle.of(query, top_k, filters, scope, timeout, budget, explain))

    @final
    async def aretrieve(
        self,
        query: str | QueryBundle,
        *,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
        explain: bool | None = None,
    ) -> RetrievalResult:
        """As `retrieve`, without blocking the event loop."""
        return await _driving.aretrieve(self, QueryBundle.of(query, top_k, filters, scope, timeout, budget, explain))

    @final
    def retrieve_many(self, queries: Iterable[str | QueryBundle]) -> list[RetrievalResult]:
        """Return one result per query, using the engine's own batching where it has one.

        Raises:
            QueryError: One of them cannot be a query; none is asked.
            BatchError: Some queries failed; it holds the results of the others.
        """
        return _many.retrieve_many(self, QueryBundle.many(queries))

    @final
    async def aretrieve_many(self, queries: Iterable[str | QueryBundle]) -> list[RetrievalResult]:
        """As `retrieve_many`, without blocking the event loop."""
        return await _many.aretrieve_many(self, QueryBundle.many(queries))

    @final
    def plan(
        self,
        query: str | QueryBundle,
        *,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
    ) -> Plan:
        """Return what the query would do and spend on models: nothing is asked, built or written.

        Args:
            query: The query, as for `retrieve`.
            top_k: As for `retrieve`.
            filters: As for `retrieve`.
            scope: As for `retrieve`.

        Raises:
            QueryError: The value cannot be a query.
            FilterError: The filters ask for what cannot be.
        """
        bundle = QueryBundle.of(query, top_k, filters, scope)
        if bundle.top_k == 0 or (bundle.is_blank and not self.answers_blank):
            return Plan(self.name, "finds nothing, and asks nobody")
        return self._plan(bundle)

    @final
    def why_not(
        self,
        query: str | QueryBundle,
        node_id: str,
        *,
        top_k: int | None = None,
        filters: FiltersLike | None = None,
        scope: FiltersLike | None = None,
        timeout: float | None = None,
        budget: Budget | None = None,
    ) -> WhyNot:
        """Return why a node is not among the hits, and what would have kept it.

        The query is asked as `retrieve` asks it, and then, where that spends nothing on language models, with other
        settings until the node comes in. Under a scope, a node outside of it is answered for as one that does not
        exist.

        Args:
            query: As for `retrieve`.
            node_id: The node's id.
            top_k: As for `retrieve`.
            filters: As for `retrieve`.
            scope: As for `retrieve`.
            timeout: As for `retrieve`, for the search for what would have kept the node too.
            budget: As for `retrieve`, for all of it together.

        Raises:
            QueryError: The value cannot be a query.
            FilterError: The filters ask for what cannot be.
            DeadlineExceededError: The ``timeout`` passed.
            BudgetExceededError: The ``budget`` does not allow what would be spent next.
        """
        from retrieverkit_core.explain._why_not import why_not

        return why_not(self, QueryBundle.of(query, top_k, filters, scope, timeout, budget), node_id)

    # What composites use

    @final
    def candidates(self, query: QueryBundle) -> RetrievalResult:
        """As `retrieve`, for a composite that keeps few of many hits: nodes are read only when somebody looks.

        The steps, the observers and the deadline are those of `retrieve`. Where the retriever knows its hits by
        ordinal, ``result.found`` has them, and ``len(result)`` reads nothing.
        """
        return _driving.retrieve(self, query, late=True)

    @final
    async def acandidates(self, query: QueryBundle) -> RetrievalResult:
        """As `candidates`, without blocking the event loop."""
        return await _driving.aretrieve(self, query, late=True)

    @final
    def candidates_many(self, queries: Iterable[QueryBundle]) -> list[RetrievalResult]:
        """As `candidates`, for many queries at once.

        Raises:
            BatchError: Some queries failed; it holds the results of the others.
        """
        return _many.retrieve_many(self, list(queries), late=True)

    # What a retriever says of itself

    @property
    def score_spec(self) -> ScoreSpec:
        """What the scores mean; `UNSCORED` where nothing is declared."""
        return self.scores or UNSCORED

    @property
    def capabilities(self) -> FilterCapabilities:
        """Which filters the retriever applies itself; none where nothing is declared."""
        return self.filter_capabilities or NO_PUSHDOWN

    @property
    def searched_corpus(self) -> Corpus | None:
        """The corpus that all it finds itself is from, or None where that is not known."""
        return self._searched_corpus

    def leave_index_nodes(self) -> None:
        """Return index nodes as they are, here and in the legs: for a composite that follows them itself.

        Its own filters then choose among index nodes by their metadata, before any is entered.
        """
        self._object_map = {}
        for leg in self.sub_retrievers:
            leg.leave_index_nodes()

    def get_prompts(self) -> dict[str, str]:
        """Return the prompts that language models are asked with, by name; none where no model is asked."""
        return dict(self.prompts)

    def update_prompts(self, **prompts: str) -> None:
        """Change prompts.

        Raises:
            OptionError: There is no such prompt, or a text lacks a field that the prompt is filled with.
        """
        self.prompts = Prompts(self.name, self.prompts).updated(prompts)

    def bind(
        self,
        *,
        name: str,
        distribution: str,
        spec: ModeSpec,
        known_fields: Callable[[], Mapping[str, frozenset[str]] | None] | None = None,
        is_empty: Callable[[], bool] | None = None,
        object_map: Mapping[str, Any] | None = None,
        observers: Observers | None = None,
        verbose: bool = False,
        corpus: Corpus | None = None,
        changed_source: Callable[[str], str] | None = None,
        origin: Origin | None = None,
    ) -> None:
        """Tell the retriever what a registry knows of it; what it was constructed with stays.

        Args:
            name: The mode, for results and messages.
            distribution: The distribution that ships it.
            spec: The mode's declaration; its scores and filters hold where the retriever declares none.
            known_fields: Returns the kinds of value by metadata field, or None where they are not known.
            is_empty: Returns whether there is nothing to retrieve from.
            object_map: What index nodes lead to.
            observers: Who is told of retrievals.
            verbose: Print which retriever is entered on the way.
            corpus: The corpus that it searches, or None.
            changed_source: Returns the file that a document was read from, by the document's id, if the file holds
                something else now.
            origin: What it was built from, and who builds more like it, for operators and pictures.
        """
        self._origin = (id(self), origin)
        self._changed_source = changed_source
        self._searched_corpus = corpus
        self.name, self.distribution = name, distribution
        if self.scores is None:
            self.scores = spec.scores
        if self.filter_capabilities is None:
            self.filter_capabilities = spec.filters
        self.known_fields = self.known_fields or known_fields
        self.is_empty = self.is_empty or is_empty
        self._object_map = {**(object_map or {}), **self._object_map}
        self._observers = self._observers or observers
        self._verbose = self._verbose or verbose

    # Operators, which make the trees that mode strings make

    def __rshift__(self, through: Callable[[BaseRetriever], BaseRetriever]) -> BaseRetriever:
        from retrieverkit_core.operators import piped

        return piped(self, through)

    def __rmul__(self, weight: float) -> Weighted:
        from retrieverkit_core.operators import scaled

        return scaled(weight, self)

    def __mul__(self, weight: float) -> Never:
        raise ConfigError("a weight stands on the left", fix="write 0.7 * a + 0.3 * b")

    def __add__(self, other: BaseRetriever | Weighted) -> BaseRetriever:
        from retrieverkit_core.operators import added

        return added(self, other)

    def __radd__(self, other: object) -> BaseRetriever:
        from retrieverkit_core.operators import added

        return added(other, self)

    def __mod__(self, k: int) -> BaseRetriever:
        from retrieverkit_core.operators import cut

        return cut(self, k)

    def _repr_html_(self) -> str:
        from retrieverkit_core.picture import draw

        return draw(self).html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>" if self.name != type(self).__name__ else f"<{self.name}>"
