"""The steps between asking a retriever and having its result, the same for sync, async and batch.

`steps` is a generator that touches neither threads nor event loops. It yields what must be done for it and is sent
the outcome:

- a `QueryBundle`: ask the author's code; it is sent the candidates;
- a list of `Visit`: go where index nodes lead; it is sent one list of hits each.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import FilterReport, LegStatus, RetrievalResult
from retrieverkit_core.retriever._candidates import checked
from retrieverkit_core.retriever._expansion import Visit, expand, leads_on

if TYPE_CHECKING:
    from retrieverkit_core.filters import MetadataFilters
    from retrieverkit_core.retriever._base import BaseRetriever

_FIRST_SURPLUS = 32
_GROWTH = 4

Steps = Generator["QueryBundle | list[Visit]", Any, RetrievalResult]


def steps(retriever: BaseRetriever, query: QueryBundle) -> Steps:
    """Answer ``query``: ask, check, expand, deduplicate, filter and cut."""
    limit = query.top_k if query.top_k is not None else retriever.default_top_k
    filtering = query.filters is not None or query.scope is not None
    if filtering:
        _check_fields(retriever, query)
    if limit == 0 or (query.is_blank and not retriever.answers_blank):
        return RetrievalResult(query=query, retriever=retriever.name, notes=retriever.notes)
    if filtering:
        return (yield from _filtered(retriever, query, limit))
    asked = query if query.top_k == limit else query.replace(top_k=limit)
    returned = yield asked
    hits = checked(returned, retriever)
    legs: tuple[LegStatus, ...] = ()
    if leads_on(hits):
        hits, legs = yield from expand(hits, retriever, query)
    if limit is not None and len(hits) > limit:
        del hits[limit:]
    return _result(hits, retriever, query, returned, legs)


def _filtered(
    retriever: BaseRetriever, query: QueryBundle, limit: int | None
) -> Generator[QueryBundle | list[Visit], Any, RetrievalResult]:
    """Answer under filters: push what the retriever can, apply the rest, ask for more while too few pass."""
    wanted = _combined(query.filters, query.scope)
    pushed, residual = _split(retriever, wanted)
    surplus = limit is not None and residual is not None
    k = limit + _FIRST_SURPLUS if surplus and limit is not None else limit
    last_count = -1
    while True:
        asked = query.replace(top_k=k, filters=query.filters if retriever.filter_capabilities.delegates else pushed)
        returned = yield asked
        candidates = checked(returned, retriever)
        count = len(returned)
        leaked = [] if pushed is None else [h.node.id for h in candidates if not pushed.matches(h.node.metadata)]
        legs: tuple[LegStatus, ...] = ()
        if leads_on(candidates):
            candidates, legs = yield from expand(candidates, retriever, query)
        hits = [hit for hit in candidates if wanted.matches(hit.node.metadata)]
        if k is None or limit is None or len(hits) >= limit or count < k or count == last_count or not surplus:
            break
        last_count, k = count, k * _GROWTH
    report = FilterReport(
        pushed=str(pushed) if pushed is not None else "",
        rechecked=str(residual) if residual is not None else "",
        dropped=max(0, len(candidates) - len(hits) - len(leaked)),
        leaked=tuple(leaked),
    )
    result = _result(hits[:limit], retriever, query, returned, legs)
    result.filters = report
    if leaked:
        who = f"{retriever.name} ({retriever.distribution})" if retriever.distribution else retriever.name
        result.warnings += (f"{who} returned {len(leaked)} hits that its filters exclude; they were taken out",)
    return result


def _combined(*trees: MetadataFilters | None) -> MetadataFilters:
    from retrieverkit_core.filters import MetadataFilters

    combined = MetadataFilters.and_(*trees)
    assert combined is not None
    return combined


def _split(retriever: BaseRetriever, wanted: MetadataFilters) -> tuple[MetadataFilters | None, MetadataFilters | None]:
    from retrieverkit_core.filters import split_filters

    if retriever.filter_capabilities.delegates:
        return wanted, None
    return split_filters(wanted, retriever.can_push)


def _check_fields(retriever: BaseRetriever, query: QueryBundle) -> None:
    from retrieverkit_core.filters import check_fields

    if retriever.known_fields is not None:
        fields = retriever.known_fields()
        for tree in (query.filters, query.scope):
            if tree is not None:
                check_fields(tree, fields)


def _result(
    hits: list[NodeWithScore],
    retriever: BaseRetriever,
    query: QueryBundle,
    returned: Sequence[NodeWithScore],
    legs: tuple[LegStatus, ...],
) -> RetrievalResult:
    result = RetrievalResult(hits, query=query, retriever=retriever.name, legs=legs, notes=retriever.notes)
    if isinstance(returned, RetrievalResult):
        result.inherit(returned)
    return result
