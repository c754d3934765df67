"""Words of a query that no node has, replaced by the nearest that some node has.

Only nodes that pass the query's scope and filters are looked at: for whether a word is known, and for what it is
replaced by. So an answer under a scope depends on nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher

from tantivy import Query

from retrieverkit_bm25.reader import Bm25Reader

SIMILARITY = 0.75
"""The least similarity of a word and its replacement: twice the letters in common over the letters of both."""

_SHORTEST = 4
_TWO_EDITS_FROM = 8
_MAX_REPLACED = 16
_MAX_NODES = 32


def replacements(
    terms: Sequence[str],
    reader: Bm25Reader,
    passing: Query | None,
    terms_of: Callable[[Sequence[int]], Iterable[str]],
) -> dict[str, str]:
    """Return for unknown terms the nearest known ones.

    Args:
        terms: The analyzed query. Terms of under four letters, or with digits, are left alone; of more than 16 unknown
            ones the first are replaced.
        reader: The index.
        passing: Which nodes to look at, None for all.
        terms_of: Returns the terms of the nodes at these ordinals that pass.
    """
    found: dict[str, str] = {}
    tried = 0
    for term in dict.fromkeys(terms):
        if len(term) < _SHORTEST or not term.isalpha() or reader.holds(term, passing):
            continue
        tried += 1
        if tried > _MAX_REPLACED:
            break
        nearest = _nearest(term, reader, passing, terms_of)
        if nearest:
            found[term] = nearest
    return found


def _nearest(
    term: str, reader: Bm25Reader, passing: Query | None, terms_of: Callable[[Sequence[int]], Iterable[str]]
) -> str:
    for edits in (1, 2) if len(term) >= _TWO_EDITS_FROM else (1,):
        ordinals = reader.with_similar(term, edits, passing, _MAX_NODES)
        near = sorted((-_similarity(term, other), other) for other in set(terms_of(ordinals)))
        if near and -near[0][0] >= SIMILARITY:
            return near[0][1]
    return ""


def _similarity(term: str, other: str) -> float:
    if abs(len(term) - len(other)) > len(term) // 2:
        return 0.0
    matcher = SequenceMatcher(None, term, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= SIMILARITY else 0.0
