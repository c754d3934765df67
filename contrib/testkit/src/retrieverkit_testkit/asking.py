"""Asking a retriever in every way that there is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from retrieverkit_core import Found
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import run_coroutine
from retrieverkit_testkit.verdicts import CheckFailed, ensure

T = TypeVar("T")


def candidates(retriever: BaseRetriever, text: str, **limits: Any) -> Sequence[NodeWithScore]:
    """Return what the author's own code returns, before core has looked at it."""
    query = QueryBundle(text, **limits)
    if type(retriever)._retrieve is not BaseRetriever._retrieve:
        found = retriever._retrieve(query)
    else:
        found = run_coroutine(lambda: retriever._aretrieve(query))
    if isinstance(found, Found):
        return _read(found)
    ensure(all(isinstance(hit, NodeWithScore) for hit in found), "not every hit is a NodeWithScore")
    return found


def _read(found: Found) -> list[NodeWithScore]:
    """Return the hits on the nodes that were found by ordinal."""
    assert found.corpus is not None
    nodes = found.corpus.fetch([ordinal for ordinal, _ in found])
    return [NodeWithScore(node, score) for node, (_, score) in zip(nodes, found, strict=True) if node is not None]


def in_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in an event loop of its own."""
    return asyncio.run(coroutine)


def refused(ask: Any, *errors: type[RetrieverKitError], what: str) -> None:
    """Fail unless ``ask()`` raises one of our ``errors``, with a message that says what to do."""
    try:
        ask()
    except errors as error:
        ensure(bool(str(error).strip()), f"{what} is refused without a word")
    except Exception as error:
        names = " or ".join(each.__name__ for each in errors)
        raise CheckFailed(f"{what} raises {type(error).__name__} instead of {names}: {error}") from error
    else:
        raise CheckFailed(f"{what} is accepted")
