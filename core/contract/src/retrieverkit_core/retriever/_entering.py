"""Asking what index nodes lead to: a retriever or a query engine of any class."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever._asking import passes, raise_failure
from retrieverkit_core.retriever._checking import checked_entered
from retrieverkit_core.retriever._expansion import Visit, as_answer, trail
from retrieverkit_core.threads import offload

if TYPE_CHECKING:
    from retrieverkit_core.retriever._base import BaseRetriever

logger = logging.getLogger("retrieverkit")


def enter(retriever: BaseRetriever, visit: Visit) -> list[NodeWithScore]:
    """Return the hits of the retriever, or the answer of the query engine, that an index node leads to."""
    _announce(retriever, visit)
    token = trail.set(visit.trail)
    try:
        if hasattr(visit.target, "retrieve"):
            return _hits(visit.target.retrieve(visit.query), visit, retriever)
        return as_answer(visit, visit.target.query(visit.query))
    except passes():
        raise
    except BaseException as error:
        raise_failure(retriever, error)
    finally:
        trail.reset(token)


async def aenter(retriever: BaseRetriever, visit: Visit) -> list[NodeWithScore]:
    """As `enter`, without blocking the event loop."""
    _announce(retriever, visit)
    token = trail.set(visit.trail)
    target = visit.target
    try:
        if hasattr(target, "aretrieve"):
            return _hits(await target.aretrieve(visit.query), visit, retriever)
        if hasattr(target, "retrieve"):
            return _hits(await offload(target.retrieve, visit.query), visit, retriever)
        if hasattr(target, "aquery"):
            return as_answer(visit, await target.aquery(visit.query))
        return as_answer(visit, await offload(target.query, visit.query))
    except passes():
        raise
    except BaseException as error:
        raise_failure(retriever, error)
    finally:
        trail.reset(token)


def _hits(returned: object, visit: Visit, retriever: BaseRetriever) -> list[NodeWithScore]:
    hits = checked_entered(returned, visit.target, retriever)
    return returned if isinstance(returned, RetrievalResult) else hits


def _announce(retriever: BaseRetriever, visit: Visit) -> None:
    logger.debug("entering %s from %s", visit.target, visit.origin.node.id)
    if retriever._verbose:
        print(f"Retrieval entering {visit.origin.node.id}: {type(visit.target).__name__}")
