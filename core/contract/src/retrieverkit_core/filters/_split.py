"""Dividing a tree into what a mode applies itself and what is left to check."""

from __future__ import annotations

from collections.abc import Callable

from retrieverkit_core.filters._operators import FilterCondition
from retrieverkit_core.filters._tree import MetadataFilter, MetadataFilters


def split_filters(
    tree: MetadataFilters, can_push: Callable[[MetadataFilter], bool]
) -> tuple[MetadataFilters | None, MetadataFilters | None]:
    """Divide ``tree`` so that both parts together match exactly what it matches.

    An ``and`` is divided filter by filter; an ``or`` or ``not`` goes whole or not at all.

    Args:
        tree: What must hold.
        can_push: Tells whether a mode applies one filter exactly.

    Returns:
        The part the mode applies and the part that is left, each None where there is nothing in it.
    """
    leaves = list(tree.leaves())
    if all(map(can_push, leaves)) and (leaves or tree.matches({})):  # what matches nothing is for who reads filters
        return tree, None
    if tree.condition is not FilterCondition.AND:
        return None, tree
    pushed: list[MetadataFilter | MetadataFilters] = []
    residual: list[MetadataFilter | MetadataFilters] = []
    for child in tree.filters:
        if isinstance(child, MetadataFilter):
            (pushed if can_push(child) else residual).append(child)
            continue
        inner_pushed, inner_residual = split_filters(child, can_push)
        pushed += [inner_pushed] if inner_pushed else []
        residual += [inner_residual] if inner_residual else []
    return (MetadataFilters(filters=pushed) if pushed else None), MetadataFilters(filters=residual)
