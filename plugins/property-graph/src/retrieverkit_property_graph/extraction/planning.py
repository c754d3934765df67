"""What a graph would take in before it answers, for plans."""

from __future__ import annotations

from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_indexing.derived import index_name, takes_in
from retrieverkit_property_graph.extraction import costly_part
from retrieverkit_property_graph.graph.index import GraphIndex


def build_plan(index: GraphIndex, query: QueryBundle) -> tuple[Plan, ...]:
    """Return the part of a mode's plan for what its graph takes in first; nothing where it is up to date.

    Under a scope it does not say how much there is outside of it. Nobody is asked, nothing is written.

    Args:
        index: The graph.
        query: The query.
    """
    pending = index.pending()
    if pending is None:
        return ()
    name = index_name(index)
    costly = costly_part(index.extractor)
    if costly is None:
        return (Plan.unknown(name) if index.uses else Plan(name, takes_in(pending, query), once=True),)
    if query.scope is not None:
        return (Plan(name, "asks about nodes first", None, 0, None, once=True),)
    with index.corpus.snapshot() as view:
        return (costly.cost(name, view.nodes() if pending.since is None else view.added(pending.since)),)
