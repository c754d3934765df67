"""Nothing of another tenant is ever seen."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.checks.threads import hurried
from retrieverkit_testkit.library import chapters
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import ensure

TENANTS = ("ant", "bee", "cat", "dog")
_QUERY = "secret plans canary"


def canaries() -> list[Document]:
    """Return documents that are alike but for their tenant, and one canary each that the query fits best."""
    documents = []
    for tenant in TENANTS:
        for n in range(6):
            text = f"secret plans number {n} of the tenant"
            documents.append(Document(text, id=f"{tenant}{n}", metadata={"tenant": tenant, "n": n}))
        metadata = {"tenant": tenant, "n": 100}
        documents.append(chapters(_QUERY, f"secret plans annex of {tenant}", id=f"{tenant}-canary", metadata=metadata))
    return documents


def scope_of(tenant: str) -> MetadataFilters:
    """Return the scope of a tenant."""
    return MetadataFilters(filters=[MetadataFilter(key="tenant", value=tenant)])


@check()
def check_canaries_of_another_scope_never_appear(subject: Subject) -> None:
    """Under a scope only its documents appear, and the retriever itself lets no other one through.

    To mend: the scope is in ``query_bundle.filters`` or ``.scope``: apply both to every engine, leg and hop, and key
    every cache by them.
    """
    with subject.over(canaries()) as trial:
        for tenant in TENANTS:
            for k in (1, 3, 100):
                result = trial.ask(_QUERY, top_k=k, scope=scope_of(tenant))
                _ensure_only(result, tenant)
                ensure(not result.filters.leaked, f"the retriever let {result.filters.leaked[:1]} through to {tenant}")
                ensure(not result.warnings, f"the scope {tenant}: {'; '.join(result.warnings)}")


@check()
def check_a_scope_hides_nothing_of_its_own(subject: Subject) -> None:
    """Under a scope all of its own matching documents are found, however many others rank as high.

    To mend: apply the scope before you cut to ``top_k``.
    """
    with subject.over(canaries()) as trial:
        whole = trial.ask(_QUERY, top_k=100)
        complete = Capability.EXHAUSTIVE not in subject.declared or len(ids(whole)) == len(canaries())
        ensure(complete, f"of {len(canaries())} matching documents {len(ids(whole))} are found without a scope")
        for tenant in TENANTS:
            own = [hit.node.id for hit in whole if hit.node.metadata["tenant"] == tenant]
            for k in (1, 100):
                found = [hit.node.id for hit in trial.ask(_QUERY, top_k=k, scope=scope_of(tenant))]
                wanted = min(k, len(own))
                ensure(len(found) >= wanted, f"{len(found)} of {wanted} hits of {tenant} were found at top_k={k}")
                ensure(k < 100 or set(own) <= set(found), f"{sorted(set(own) - set(found))[:1]} of {tenant} are hidden")


@check()
def check_a_long_list_of_principals_is_read_to_its_end(subject: Subject) -> None:
    """Two callers whose access lists differ in the last of hundreds of entries each see their own documents alone.

    To mend: never cut what a cache is keyed by, nor what an engine is given; a scope is as long as it is.
    """
    others = [f"guest{n:04}" for n in range(600)]
    documents = [
        chapters(_QUERY, f"annex {n}", id=f"d{n}", metadata={"reader": f"user{n}"})
        if n % 2
        else Document(_QUERY, id=f"d{n}", metadata={"reader": f"user{n}"})
        for n in range(6)
    ]
    with subject.over(documents) as trial:
        known = set(ids(trial.ask(_QUERY, top_k=100)))
        for n, document in enumerate(documents):
            leaf = MetadataFilter(key="reader", operator="in", value=[*others, f"user{n}"])
            result = trial.ask(_QUERY, top_k=100, scope=MetadataFilters(filters=[leaf]))
            expected = known & {document.id}
            ensure(set(ids(result)) == expected, f"reader user{n} sees {ids(result)} instead of {sorted(expected)}")
            ensure(not result.filters.leaked, f"the retriever let {result.filters.leaked[:1]} through to user{n}")


@check()
def check_a_filter_never_widens_a_scope(subject: Subject) -> None:
    """Whatever the caller's filter says, the scope holds too.

    To mend: AND the two; never let one take the other's place.
    """
    wide = MetadataFilters.parse("tenant == 'bee' or n >= 0")
    other = MetadataFilters.parse("tenant == 'bee'")
    with subject.over(canaries()) as trial:
        _ensure_only(trial.ask(_QUERY, top_k=100, filters=wide, scope=scope_of("ant")), "ant")
        found = trial.ask(_QUERY, top_k=100, filters=other, scope=scope_of("ant"))
        ensure(not found, "a filter for another tenant found documents")


@check()
def check_scopes_do_not_mix_between_threads_and_tasks(subject: Subject) -> None:
    """Calls with different scopes at the same time, from threads and tasks, each see their own documents alone.

    To mend: keep neither filters nor what was computed from them on ``self``.
    """
    turns = 2 if subject.quick else 8
    with subject.over(canaries()) as trial:
        queries = [QueryBundle(_QUERY, top_k=5, scope=scope_of(tenant)) for tenant in TENANTS]
        start = threading.Barrier(32)

        def ask(number: int) -> None:
            start.wait()
            for turn in range(turns):
                at = (number + turn) % len(TENANTS)
                _ensure_own(trial.retriever.retrieve(queries[at]), TENANTS[at])

        async def ask_all() -> list[RetrievalResult]:
            return list(await asyncio.gather(*[trial.retriever.aretrieve(queries[n % 4]) for n in range(64)]))

        with hurried(), ThreadPoolExecutor(32) as pool:
            list(pool.map(ask, range(32)))
        for number, result in enumerate(asyncio.run(ask_all())):
            _ensure_own(result, TENANTS[number % 4])
        for number, result in enumerate(trial.retriever.retrieve_many(queries * 4)):
            _ensure_own(result, TENANTS[number % 4])


def _ensure_own(result: RetrievalResult, tenant: str) -> None:
    _ensure_only(result, tenant)
    ensure(not result.filters.leaked, f"the retriever let {result.filters.leaked[:1]} through to {tenant}")
    ensure(not result.warnings, f"the scope {tenant}: {'; '.join(result.warnings)}")


def _ensure_only(result: RetrievalResult, tenant: str) -> None:
    for hit in result:
        owner = hit.node.metadata.get("tenant")
        ensure(owner == tenant, f"{hit.node.id} of {owner} appears under the scope of {tenant}")
