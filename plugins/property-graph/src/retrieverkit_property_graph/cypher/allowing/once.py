"""In Cypher a relation is matched once per MATCH. ladybug matches it again and again, unless a condition says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple


class Matched(NamedTuple):
    """A relation of a pattern.

    Attributes:
        name: Its variable, escaped.
        kinds: The types that it may have.
        several: Whether it is a path of variable length.
    """

    name: str
    kinds: frozenset[str]
    several: bool


def unequal(relations: Sequence[Matched]) -> Iterator[str | None]:
    """Yield conditions by which no two of the relations of one MATCH are the same; None where there is none to write.

    Relations of a path are compared by their property ``id``, which MENTIONS has not.
    """
    for one, other in combinations(sorted(relations, key=lambda each: each.several), 2):
        shared = one.kinds & other.kinds
        if not shared:
            continue
        if not other.several:
            yield f"id({one.name}) <> id({other.name})"
        elif "Relation" not in shared:
            yield None
        elif one.several:
            yield f"NOT coalesce(list_has_any({_ids(one)}, {_ids(other)}), false)"
        else:
            yield f"NOT coalesce(list_contains({_ids(other)}, {one.name}.`id`), false)"


def _ids(path: Matched) -> str:
    return f"properties(rels({path.name}), 'id')"
