"""What a query would do and spend, said before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import texts_per_call
from retrieverkit_indexing.derived import Pending, index_name, takes_in
from retrieverkit_vector.index import VectorIndex
from retrieverkit_vector.models import ComparedFirst


def planned(name: str, index: VectorIndex, query: QueryBundle, embedding_spec: str) -> Plan:
    """Return the plan of a query to a vector index.

    Args:
        name: The retriever's name.
        index: The index.
        query: The query.
        embedding_spec: The spec that names the embedding.
    """
    pending = index.pending()
    texts = _texts(query) if _finds_something(index, pending) else []
    (embedding,) = index.uses
    size = texts_per_call(embedding)
    parts = []
    if pending is not None:
        parts.append(_build(index, pending, query, bool(texts)))
    elif texts and size != 0 and not _compared(index):
        _, requests = index.model.expected((), probes=True)
        if requests != 0:
            does = "compares the model with the one that the index was built with"
            parts.append(Plan(embedding_spec, does, embedding_calls=requests, once=True))
    if not texts:
        return Plan(name, "searches its index; embeds nothing", parts=tuple(parts))
    calls = -(-len(texts) // size) if size else size
    cost = ", which costs nothing" if size == 0 else ""
    does = f"embeds the query by {embedding_spec}{cost}, and searches its index"
    return Plan(name, does, embedding_calls=calls, parts=tuple(parts))


def _texts(query: QueryBundle) -> Sequence[str]:
    return [] if query.embedding is not None else [text for text in query.embedding_strs if text.strip()]


def _finds_something(index: VectorIndex, pending: Pending | None) -> bool:
    if pending is None and index.opened is not None:
        return bool(index.opened.count)
    with index.corpus.snapshot() as view:
        return view.count() > 0


def _compared(index: VectorIndex) -> bool:
    """Return whether the model that embeds queries now has been compared with the one that made the vectors."""
    embed = None if index.opened is None else index.opened.embed_queries
    return isinstance(embed, ComparedFirst) and embed.compared


def _build(index: VectorIndex, pending: Pending, query: QueryBundle, embeds_query: bool) -> Plan:
    with _new_nodes(index, pending) as nodes:
        texts, requests = index.model.expected(nodes, probes=pending.nodes > 0 or embeds_query)
    does = takes_in(pending, query)
    if texts and query.scope is None:
        does += f"; embeds {texts:,} text{'' if texts == 1 else 's'}"
    return Plan(index_name(index), does, embedding_calls=requests, once=True)


@contextmanager
def _new_nodes(index: VectorIndex, pending: Pending) -> Iterator[Iterator[StoredNode]]:
    with index.corpus.snapshot() as view:
        yield view.nodes() if pending.since is None else view.added(pending.since)
