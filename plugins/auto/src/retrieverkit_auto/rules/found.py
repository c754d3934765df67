"""What rules find in a question, and how it becomes filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieverkit_auto.fields import FieldInfo
from retrieverkit_auto.schema import Schema
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

Leaf = MetadataFilter | MetadataFilters


@dataclass(frozen=True)
class Found:
    """A part of a question that a rule can read.

    Attributes:
        start: The first token.
        end: The token behind the last.
        filters: What it asks to filter by; all of them must hold.
        top_k: How many hits it asks for, or None.
        doubt: Why it is left in the query, or "".
        evidence: Words, such as those of a value: no text outside of the filters may have all words of one. None where
            the question itself says that the filter is meant.
        is_value: Whether it names a value and compares nothing: after "about" it is a subject.
        is_bare: Whether nothing but its place says that a value is meant, as in ``red shoes``.
    """

    start: int
    end: int
    filters: tuple[Leaf, ...] = ()
    top_k: int | None = None
    doubt: str = ""
    evidence: tuple[tuple[str, ...], ...] = ()
    is_value: bool = False
    is_bare: bool = False


def equal(field: FieldInfo, values: Sequence[str], *, every: bool = False) -> Leaf:
    """Return the filter for nodes that have one of ``values``, or all of them."""
    distinct = sorted(dict.fromkeys(values)) if not every else list(dict.fromkeys(values))
    if every and len(distinct) > 1:
        return MetadataFilter(field.name, distinct, FilterOperator.ALL)
    if field.lists:
        if len(distinct) > 1 or field.singles:
            return MetadataFilter(field.name, distinct, FilterOperator.ANY)
        return MetadataFilter(field.name, distinct[0], FilterOperator.CONTAINS)
    if len(distinct) > 1:
        return MetadataFilter(field.name, distinct, FilterOperator.IN)
    return MetadataFilter(field.name, distinct[0])


def negated(leaf: Leaf) -> Leaf:
    """Return the filter for nodes that do not pass ``leaf``."""
    if isinstance(leaf, MetadataFilter):
        if leaf.operator is FilterOperator.EQ:
            return MetadataFilter(leaf.key, leaf.value, FilterOperator.NE)
        if leaf.operator is FilterOperator.IN:
            return MetadataFilter(leaf.key, leaf.value, FilterOperator.NIN)
    return MetadataFilters([leaf], FilterCondition.NOT)


def other_sense(part: Found, schema: Schema) -> str:
    """Return why a part may mean what texts mean by its words, or ""."""
    if not part.evidence:
        return ""
    tree = MetadataFilters(list(part.filters)) if part.filters else MetadataFilters([], FilterCondition.OR)
    if not any(schema.is_word_elsewhere(tree, words) for words in part.evidence):
        return ""
    return f"it may be {tree}, and texts of other nodes use the word" if part.filters else "texts have these words"
