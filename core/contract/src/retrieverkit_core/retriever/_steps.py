"""The steps between asking a retriever and having its result, the same for sync, async and batch.

`steps` is a generator that touches neither threads nor event loops. It yields what must be done for it and is sent
the outcome:

- a `QueryBundle`: ask the author's code; it is sent what that returned;
- a `Found`: read its nodes; it is sent a `Fetched`;
- a list of `Visit`: go where index nodes lead; it is sent one list of hits for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from retrieverkit_core.errors import DerivedIndexError
from retrieverkit_core.explain._codes import Code
from retrieverkit_core.explain._recording import recording
from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.late_result import LateResult
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import NO_FILTERS, FilterReport, LegStatus, RetrievalResult
from retrieverkit_core.retriever._checking import checked, checked_found
from retrieverkit_core.retriever._expansion import Entered, Visit, deduplicated, expand, leads_on
from retrieverkit_core.retriever._fetching import Fetched, hits_of, read

if TYPE_CHECKING:
    from retrieverkit_core.explain._recording import Recording
    from retrieverkit_core.filters import MetadataFilters
    from retrieverkit_core.retriever._base import BaseRetriever

_FIRST_SURPLUS = 32
_GROWTH = 4
_ATTEMPTS = 5
"""How often a search is made again because nodes were removed between the search and the reading."""

Steps = Generator["QueryBundle | Found | list[Visit]", Any, RetrievalResult]


def steps(retriever: BaseRetriever, query: QueryBundle, late: bool = False) -> Steps:
    """Answer ``query``: ask, check, read, follow index nodes, remove duplicates, filter and cut.

    Args:
        retriever: The retriever.
        query: The caller's query.
        late: Leave nodes that are known by ordinal unread where nothing has to be looked up in them.
    """
    limit = query.top_k if query.top_k is not None else retriever.default_top_k
    if query.filters is not None or query.scope is not None:
        _check_fields(retriever, query)
    if limit == 0 or (query.is_blank and not retriever.answers_blank):
        return RetrievalResult(query=query, retriever=retriever.name, notes=retriever.notes)
    if query.top_k is None and retriever.chooses_top_k:
        limit = None
    return (yield from _Answer(retriever, query, UNLIMITED if limit is None else limit, late).run())


_EMPTY = "the index holds no documents"
_LEGS_ARE_SCOPED = "index nodes that are not in the scope themselves were not entered"

_FILTERED_BEFORE_A_MODEL = (
    "a language model is shown what passes the filters alone: index nodes that do not pass themselves were not entered"
)

_FILTERED_BEFORE_NODES_ARE_REPLACED = (
    "what passes the filters alone is put together: index nodes that do not pass themselves were not entered"
)


class _Plan(NamedTuple):
    """How the caller's filters and scope are applied.

    Attributes:
        wanted: Both together, or None.
        pushed: The part that the retriever applies itself.
        residual: The part that is left to core.
        given: What the author's query has as its filters.
        followed: Whether the legs lead index nodes on themselves, so that they can be given the filters.
    """

    wanted: MetadataFilters | None = None
    pushed: MetadataFilters | None = None
    residual: MetadataFilters | None = None
    given: MetadataFilters | None = None
    followed: bool = False


_NO_FILTERS = _Plan()


class _Answer:
    """One answer in the making; asks for more while filters and duplicates leave too few."""

    def __init__(self, retriever: BaseRetriever, query: QueryBundle, limit: int, late: bool) -> None:
        self._retriever = retriever
        self._query = query
        self._limit = limit
        self._says = query.top_k is not None or not retriever.chooses_top_k
        self._plan = plan = _plan(retriever, query)
        self._reads_all = plan.residual is not None or bool(retriever._object_map)
        self._late = late and not self._reads_all
        self._entered: Entered = {}
        self._legs: list[LegStatus] = []
        self._warnings: list[str] = []
        self._dropped = 0
        self._vanished = 0
        self._disowned = False
        self._recording = recording()

    def run(self) -> Steps:
        k = self._limit if self._plan.residual is None else min(self._limit + _FIRST_SURPLUS, UNLIMITED)
        if self._retriever.asks_model:  # to ask again for more would pay again
            k = UNLIMITED
        last_count = -1
        told = self._recording
        while True:
            if told is not None:
                told.restart()
            returned = yield self._query.asking(k if self._says else None, self._plan.given)
            if type(returned) is not list and isinstance(returned, Found):  # an abstract class is slow to ask
                found = checked_found(returned, self._retriever)
                if self._disowned:
                    found = found.undisputed()
                if told is not None:
                    told.answered(found)
                if self._late and (len(found) >= self._limit or len(returned) < k):
                    if told is not None:
                        told.cut(found, self._limit)
                    return self._late_result(found.first(self._limit))
                fetched = yield (found if self._reads_all else found.first(self._limit))
                if not self._all_there(fetched):
                    continue
                hits = hits_of(fetched, self._retriever.name)
                seen: Sequence[NodeWithScore] | Found = hits if self._reads_all else found
            else:
                hits = seen = checked(returned, self._retriever)
                if told is not None:
                    told.answered(hits)
            if self._plan is _NO_FILTERS and len(hits) >= self._limit and not leads_on(hits):
                if told is not None:
                    told.cut(seen, self._limit)
                del hits[self._limit :]
                return self._made(hits, returned)
            groups, leaked = yield from self._passing(hits)
            if leaked or self._vanished:  # the next look must go beyond what had to be left out
                self._reads_all, self._late = True, False
            count = len(returned)
            if len(groups) >= self._limit or count < k or count == last_count or k == UNLIMITED:
                return self._result(groups, leaked, returned)
            last_count, k = count, min(k * _GROWTH + _FIRST_SURPLUS, UNLIMITED)

    def _passing(
        self, hits: list[NodeWithScore]
    ) -> Generator[list[Visit], Any, tuple[list[list[NodeWithScore]], list[NodeWithScore]]]:
        """Return what each hit comes to, in groups that hold something, and the hits that should not have come."""
        retriever, plan = self._retriever, self._plan
        leaked: list[NodeWithScore] = []
        if plan.pushed is not None:
            admits = plan.pushed.admits
            leaked = [hit for hit in hits if not admits(hit.node)]
        told = self._recording
        expands = leads_on(hits)
        if expands:
            count = 0 if told is None else len(told.legs)
            groups, legs, warnings = yield from expand(hits, retriever, self._query, self._entered)
            if told is not None:
                _tell_expanded(told, hits, groups, count)
            self._legs += legs
            self._warnings += warnings
        else:
            groups = [[hit] for hit in hits]
        if plan.wanted is plan.pushed and not leaked and not expands:
            if told is not None and plan.wanted is not None:
                told.step("filter", Code.FILTERED, hits).went(hits)
        elif plan.wanted is not None:
            all_hits = [hit for group in groups for hit in group]
            came = {hit.node.id for hit in all_hits}
            groups = [passing for group in groups if (passing := [h for h in group if plan.wanted.admits(h.node)])]
            came.difference_update(hit.node.id for group in groups for hit in group)
            self._dropped = len(came.difference(hit.node.id for hit in leaked))
            if told is not None:
                told.step("filter", Code.FILTERED, all_hits).went([hit for group in groups for hit in group])
        if not expands:
            return groups, leaked
        once = deduplicated(groups)
        if told is not None:
            _tell_deduplicated(told, groups, once)
        return once, leaked

    def _all_there(self, fetched: Fetched) -> bool:
        """Return whether the answer can be made; otherwise the search is made again."""
        if not fetched.missing:
            return True
        if fetched.wrong:
            if self._disowned:
                raise DerivedIndexError(f"{self._retriever.name} names nodes that the corpus does not hold")
            self._disowned = True
            return False
        self._vanished += 1
        return self._vanished >= _ATTEMPTS  # nodes vanish faster than they are read: those that are gone are left out

    def _result(
        self,
        groups: list[list[NodeWithScore]],
        leaked: list[NodeWithScore],
        returned: Sequence[NodeWithScore] | Found,
    ) -> RetrievalResult:
        kept = [hit for group in groups[: self._limit] for hit in group]
        if self._query.top_k is not None:
            del kept[self._query.top_k :]
        if self._recording is not None:
            self._recording.cut([hit for group in groups for hit in group], len(kept))
        result = self._made(kept, returned)
        if self._plan.wanted is not None:
            result.filters = self._report(returned, leaked, self._dropped)
        result.warnings += tuple(self._warnings)
        if leaked:
            result.warnings += (_told_of(self._retriever, leaked),)
        return result

    def _notes(self, hits: int) -> tuple[str, ...]:
        retriever = self._retriever
        notes = retriever.notes
        if retriever._object_map and self._query.scope is not None and retriever.capabilities.delegates:
            notes = (*notes, _LEGS_ARE_SCOPED)
        if retriever._object_map and self._plan.given is not None and not self._plan.followed:
            model = retriever.asks_model or (not retriever.replaces_nodes and _shows_a_model(retriever))
            notes = (*notes, _FILTERED_BEFORE_A_MODEL if model else _FILTERED_BEFORE_NODES_ARE_REPLACED)
        if hits or retriever.is_empty is None or not retriever.is_empty():
            return notes
        return (*notes, _EMPTY)

    def _made(self, hits: list[NodeWithScore], returned: Sequence[NodeWithScore] | Found) -> RetrievalResult:
        retriever = self._retriever
        result = RetrievalResult(
            hits, query=self._query, retriever=retriever.name, legs=self._legs, notes=self._notes(len(hits))
        )
        if type(returned) is not list and isinstance(returned, (RetrievalResult, Found)):
            result.inherit(returned)
        return result

    def _late_result(self, found: Found) -> RetrievalResult:
        retriever, query = self._retriever, self._query
        read = partial(_read, found, retriever, query)
        notes = self._notes(len(found))
        result = LateResult(read, len(found), found, query=query, retriever=retriever.name, notes=notes)
        result.inherit(found)
        if self._plan.wanted is not None:
            result.filters = self._report(found, [], 0)
        return result

    def _report(self, returned: object, leaked: list[NodeWithScore], dropped: int) -> FilterReport:
        """Return what became of the filters; a retriever that passes them on reports what those it asked did."""
        plan, leaks = self._plan, tuple(hit.node.id for hit in leaked)
        own = FilterReport(_text(plan.pushed), _text(plan.residual), dropped, leaks)
        if not self._retriever.capabilities.delegates or plan.pushed is None:
            return own
        reports = []
        if isinstance(returned, RetrievalResult) and returned.filters is not NO_FILTERS:
            reports = [returned.filters]  # the sum over its legs, and what was found out above them
        elif isinstance(returned, (RetrievalResult, Found)):
            reports = [leg.filters for leg in returned.legs_of_its_own if leg.filters is not None]
        if not reports:
            return own
        return FilterReport.of_legs([*reports, FilterReport(dropped=dropped, leaked=leaks)])


def _plan(retriever: BaseRetriever, query: QueryBundle) -> _Plan:
    if query.filters is None and query.scope is None:
        return _NO_FILTERS
    from retrieverkit_core.filters import MetadataFilters, split_filters

    wanted = MetadataFilters.and_(query.filters, query.scope)
    assert wanted is not None
    if retriever._object_map:  # what an index node leads to decides whether it passes
        before = _before_a_model(retriever, query, wanted)
        if before is None and _legs_follow(retriever):
            return _Plan(wanted, None, wanted, query.filters, followed=True)
        return _Plan(wanted, None, wanted, before)
    if retriever.asks_model:
        return _Plan(wanted, wanted, None, wanted)
    if retriever.capabilities.delegates:
        return _Plan(wanted, wanted, None, query.filters)
    pushed, residual = split_filters(wanted, retriever.can_push)
    return _Plan(wanted, pushed, residual, pushed)


def _before_a_model(retriever: BaseRetriever, query: QueryBundle, wanted: MetadataFilters) -> MetadataFilters | None:
    """Return the filters that must hold before index nodes are followed; None where it is enough that they do after.

    They must where a model sees what index nodes lead to, and where other nodes are put in the places of those.
    """
    if retriever.asks_model or retriever.replaces_nodes:
        return wanted
    if not retriever.capabilities.delegates:
        return None
    return query.filters if _shows_a_model(retriever) or _replaces_nodes(retriever) else None


def _legs_follow(retriever: BaseRetriever) -> bool:
    """Return whether every leg leads index nodes on as the composite does: it then filters what they lead to.

    A leg that were not given the filters would keep to its own limit first, and what passes could be beyond that.
    """
    legs, map_keys = retriever.sub_retrievers, retriever._object_map.keys()
    return retriever.capabilities.delegates and bool(legs) and all(map_keys <= leg._object_map.keys() for leg in legs)


def _shows_a_model(retriever: BaseRetriever) -> bool:
    return retriever.asks_model or any(map(_shows_a_model, retriever.sub_retrievers))


def _replaces_nodes(retriever: BaseRetriever) -> bool:
    return retriever.replaces_nodes or any(map(_replaces_nodes, retriever.sub_retrievers))


def _check_fields(retriever: BaseRetriever, query: QueryBundle) -> None:
    from retrieverkit_core.filters import check_fields

    fields = retriever.known_fields() if retriever.known_fields is not None else None
    if fields is None:
        return
    for tree in (query.filters, query.scope):
        if tree is not None:
            check_fields(tree, fields, told=query.scope is None)


def _read(found: Found, retriever: BaseRetriever, query: QueryBundle) -> list[NodeWithScore]:
    """Return the hits on what was found; where a node is not there any more, those of another retrieval."""
    fetched = read(retriever, found)
    return retriever.retrieve(query) if fetched.missing else hits_of(fetched, retriever.name)


def _text(tree: MetadataFilters | None) -> str:
    return "" if tree is None else str(tree)


def _told_of(retriever: BaseRetriever, leaked: list[NodeWithScore]) -> str:
    who = f"{retriever.name} ({retriever.distribution})" if retriever.distribution else retriever.name
    legs = {leg for hit in leaked for leg, _, _ in hit._evidence} - {retriever.name}
    found_by = f", found by {', '.join(sorted(legs))}," if legs else ""
    return f"{who} returned {len(leaked)} hits that its filters exclude{found_by}; they were taken out"


def _tell_expanded(told: Recording, hits: list[NodeWithScore], groups: list[list[NodeWithScore]], legs: int) -> None:
    """Record what index nodes came to."""
    told.entered_since(legs)
    step = told.step("expand", Code.DEDUPLICATED_INTO, hits)
    step.went([hit for group in groups for hit in group])
    for hit, group in zip(hits, groups, strict=True):
        if group and all(each.node.id != hit.node.id for each in group):
            step.replaced(hit.node.id, group[0].node.id)


def _tell_deduplicated(told: Recording, groups: list[list[NodeWithScore]], once: list[list[NodeWithScore]]) -> None:
    """Record which nodes were found by several ways."""
    came, out = ([hit for group in each for hit in group] for each in (groups, once))
    step = told.step("deduplicate", Code.DEDUPLICATED_INTO, came)
    step.went(out)
    several = [node_id for node_id, count in Counter(hit.node.id for hit in came).items() if count > 1]
    if several:
        step.says("applied", f"{len(came) - len(out)} found again")
