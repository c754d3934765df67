"""One metadata key over the nodes of a segment: each node has the code of its value, and filters are asked of codes.

Code 0 is no value (missing or null). Then come the single values in the order of the `Dictionary`, then the distinct
lists, then ``{}``, then every other object. The elements of lists have codes of their own in the same way: 0 is null,
and behind the single values stands one code for inert elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieverkit_core.filters import FilterOperator, MetadataFilter
from retrieverkit_indexing.metadata._dictionary import Dictionary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrieverkit_indexing.metadata._dictionary import Span


@dataclass(frozen=True, slots=True)
class Lists:
    """The distinct lists of a column.

    Attributes:
        starts: Where the elements of each list start in ``codes``, and behind them where the last ends.
        codes: The elements' codes, list after list.
        elements: The distinct elements.
    """

    starts: NDArray[np.int64]
    codes: NDArray[np.int32]
    elements: Dictionary

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each list."""
        lengths: NDArray[np.int64] = np.diff(self.starts)
        return lengths

    def span_of(self, value: Any) -> Span:
        """Return the element codes that equal ``value``."""
        return (0, 1) if value is None else self.elements.equal(value)

    def with_element(self, value: Any) -> NDArray[np.bool_]:
        """Return which lists have an element that equals ``value``."""
        first, behind = self.span_of(value)
        found = np.zeros(len(self), bool)
        at = np.flatnonzero((self.codes >= first) & (self.codes < behind))
        found[np.searchsorted(self.starts, at, side="right") - 1] = True
        return found

    def equal(self, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Return which lists equal ``values``, element by element."""
        found: NDArray[np.bool_] = self.lengths == len(values)
        for place, value in enumerate(values):
            first, behind = self.span_of(value)
            candidates = np.flatnonzero(found)
            codes = self.codes[self.starts[candidates] + place]
            found[candidates] = (codes >= first) & (codes < behind)
        return found


NO_LISTS = Lists(np.zeros(1, np.int64), np.empty(0, np.int32), Dictionary.of(()))


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one key.

    Attributes:
        size: How many nodes the segment has.
        rows: The nodes that have the codes, ascending; None where ``codes`` has one for every node.
        codes: The codes.
        values: The distinct single values.
        lists: The distinct lists.
    """

    size: int
    rows: NDArray[np.int32] | None
    codes: NDArray[np.unsignedinteger[Any]]
    values: Dictionary
    lists: Lists

    @property
    def empty_object(self) -> int:
        """The code of ``{}``; that of every other object is the next."""
        return self.values.end + len(self.lists)

    def matching(self, leaf: MetadataFilter) -> NDArray[np.bool_]:
        """Return which nodes pass ``leaf``."""
        return self._nodes_with(self._codes_passing(leaf.operator, leaf.value))

    def _nodes_with(self, passing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        found = _among(self.codes, passing)
        if self.rows is None:
            return found
        spread = np.full(self.size, passing[0])
        spread[self.rows] = found
        return spread

    def _codes_passing(self, asked: FilterOperator, value: Any) -> NDArray[np.bool_]:
        if asked is FilterOperator.NE:
            return ~self._codes_passing(FilterOperator.EQ, value)
        if asked is FilterOperator.NIN:
            return ~self._codes_passing(FilterOperator.IN, value)
        passing = np.zeros(self.empty_object + 2, bool)
        lists = passing[self.values.end : self.empty_object]
        if asked is FilterOperator.EQ:
            self._mark_equal(passing, value)
        elif asked is FilterOperator.IN:
            for one in value:
                self._mark_equal(passing, one)
        elif asked is FilterOperator.CONTAINS:
            lists[:] = self.lists.with_element(value)
        elif asked is FilterOperator.ANY:
            self._mark_any(passing, lists, value)
        elif asked is FilterOperator.ALL:
            self._mark_all(passing, value)
        elif asked is FilterOperator.TEXT_MATCH:
            passing[self.values.texts_with(value)] = True
        elif asked is FilterOperator.TEXT_MATCH_INSENSITIVE:
            passing[self.values.texts_with_folded(value)] = True
        elif asked is FilterOperator.IS_EMPTY:
            self._mark_equal(passing, None)
            self._mark_equal(passing, "")
            lists[:] = self.lists.lengths == 0
            passing[self.empty_object] = True
        else:
            first, behind = self.values.in_order(asked, value)
            passing[first:behind] = True
        return passing

    def _mark_equal(self, passing: NDArray[np.bool_], value: Any) -> None:
        if isinstance(value, (list, tuple)):
            passing[self.values.end : self.empty_object] |= self.lists.equal(value)
        else:
            first, behind = (0, 1) if value is None else self.values.equal(value)
            passing[first:behind] = True

    def _mark_any(self, passing: NDArray[np.bool_], lists: NDArray[np.bool_], values: Sequence[Any]) -> None:
        for value in values:
            lists |= self.lists.with_element(value)
            if value is not None:
                self._mark_equal(passing, value)

    def _mark_all(self, passing: NDArray[np.bool_], values: Sequence[Any]) -> None:
        passing[1 : self.empty_object] = True
        for value in values:
            one = np.zeros_like(passing)
            self._mark_any(one, one[self.values.end : self.empty_object], [value])
            passing &= one


def _among(codes: NDArray[np.unsignedinteger[Any]], passing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ``passing[codes]``; comparing with the ends of a single run of codes is several times faster."""
    ends = np.flatnonzero(passing[1:] != passing[:-1])
    if len(ends) == 0:
        return np.full(len(codes), passing[0])
    if len(ends) == 1:
        below: NDArray[np.bool_] = codes <= ends[0]
        return below if passing[0] else ~below
    if len(ends) == 2:
        inside: NDArray[np.bool_] = (codes > ends[0]) & (codes <= ends[1])
        return ~inside if passing[0] else inside
    return passing.take(codes)
