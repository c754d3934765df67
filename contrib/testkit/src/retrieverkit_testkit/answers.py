"""Answers as plain data, and comparing them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

from retrieverkit_core.errors import shorten
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_testkit.verdicts import ensure

Scored = list[tuple[str, float | None]]


def document_of(hit: NodeWithScore) -> str:
    """Return the id of the document that a hit is a piece of; a node of no document stands for itself."""
    return hit.ref_doc_id or hit.node.id


def ids(hits: Sequence[NodeWithScore]) -> list[str]:
    """Return the hits' documents in order, each once."""
    return list(dict.fromkeys(map(document_of, hits)))


def scored(hits: Sequence[NodeWithScore]) -> Scored:
    """Return the hits' documents and best scores, in order, each document once."""
    best: dict[str, float | None] = {}
    for hit in hits:
        best.setdefault(document_of(hit), hit.score)
    return list(best.items())


def nodes(hits: Sequence[NodeWithScore]) -> list[str]:
    """Return the ids of the hits' nodes, in order."""
    return [hit.node.id for hit in hits]


def ensure_same(found: Sequence[Any], expected: Sequence[Any], what: str, tolerance: float = 1e-6) -> None:
    """Fail unless two answers have the same documents in the same order, and scores as near as ``tolerance``."""
    told = f"{what}: {shorten(list(found), 300)} instead of {shorten(list(expected), 300)}"
    ensure([one[0] for one in found] == [one[0] for one in expected], told)
    for (_, score), (_, wanted) in zip(found, expected, strict=True):
        if score is None or wanted is None:
            ensure(score is wanted, told)
        else:
            ensure(isclose(score, wanted, rel_tol=tolerance, abs_tol=tolerance), told)


def ensure_alike(found: Scored, expected: Scored, what: str, tolerance: float) -> None:
    """Fail unless the same documents are found with as good scores; documents that are nearly equal may change places.

    It is for indexes that were made in other ways: what is fitted to the same documents twice differs by rounding.
    """
    told = f"{what}: {shorten(found, 300)} instead of {shorten(expected, 300)}"
    ensure(sorted(name for name, _ in found) == sorted(name for name, _ in expected), told)
    worth = [sorted(score for _, score in answer if score is not None) for answer in (found, expected)]
    ensure(len(worth[0]) == len(worth[1]), told)
    near = (isclose(score, wanted, rel_tol=tolerance, abs_tol=tolerance) for score, wanted in zip(*worth, strict=True))
    ensure(all(near), told)


def same(found: Scored, other: Scored) -> bool:
    """Return whether two answers have the same documents in the same order, with the same scores."""
    try:
        ensure_same(found, other, "")
    except AssertionError:
        return False
    return True
