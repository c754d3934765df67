"""From what an index's reader found to an answer that core can read, cut and check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from retrieverkit_core.corpus import Cursor
from retrieverkit_core.found import Found, Pair
from retrieverkit_indexing.derived._serving import CorpusIndex

R = TypeVar("R")


def answer(index: CorpusIndex[R], search: Callable[[R], Sequence[Pair]]) -> Found:
    """Search an index that is up to date.

    The nodes are read from the corpus by core, after the cut. Should one be gone by then, core has the search made
    again; should the index name a node that the corpus never held, it is rebuilt.

    Args:
        index: The index to search.
        search: Returns ``(ordinal, score)`` pairs, best first, from a reader of the index; as `Found` where this
            answer has something to tell.

    Returns:
        The pairs with the corpus and the place in its log that they belong to.
    """
    pairs, cursor = index.ask_at(search)
    return found_in(index, pairs, cursor)


def found_in(index: CorpusIndex[R], pairs: Sequence[Pair], cursor: Cursor) -> Found:
    """Return what a search of ``index`` at ``cursor`` found, with what it told."""
    told = pairs if isinstance(pairs, Found) else None
    return Found(
        pairs.pairs if isinstance(pairs, Found) else pairs,
        index.corpus,
        cursor,
        notes=told.notes if told is not None else (),
        warnings=told.warnings if told is not None else (),
        legs=told.legs_of_its_own if told is not None else (),
        evidence=told.evidence if told is not None else None,
        disown=index.rebuild,
    )
