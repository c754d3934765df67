"""The distinct single values of a column, in order, so that a filter becomes a span of them."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Self

from retrieverkit_core.filters import FilterOperator, canonical, instant

Span = tuple[int, int]
"""The first code and the one behind the last."""

_NOTHING: Span = (0, 0)


class Dictionary:
    """Bools, numbers, dates and strings, each kind in its own order; the first value has code 1, and 0 is no value.

    Equal values, such as ``1`` and ``1.0`` or two writings of one instant, stand next to each other.

    Args:
        bools: False before True.
        numbers: Ascending.
        dates: As they were written, by ascending instant.
        instants: The instant of each date.
        strings: By ascending code points.
    """

    def __init__(
        self,
        bools: Sequence[bool],
        numbers: Sequence[int | float],
        dates: Sequence[str],
        instants: Sequence[int],
        strings: Sequence[str],
    ) -> None:
        self._bools, self._numbers, self._dates, self._strings = bools, numbers, dates, strings
        self._instants = instants
        self._ordered: dict[str, tuple[int, Sequence[Any]]] = {}
        start = 1
        for kind, values in (("bool", bools), ("number", numbers), ("date", instants), ("string", strings)):
            self._ordered[kind] = (start, values)
            start += len(values)
        self.end = start

    @classmethod
    def of(cls, values: Iterable[bool | int | float | str]) -> Self:
        """Return the dictionary of ``values``, which are distinct by type and value."""
        bools, numbers, dates, strings = [], [], [], []
        for value in values:
            if isinstance(value, bool):
                bools.append(value)
            elif isinstance(value, str):
                moment = instant(value)
                if moment is None:
                    strings.append(value)
                else:
                    dates.append((moment, value))
            else:
                numbers.append(value)
        dates.sort()
        in_order = sorted(bools), sorted(numbers), [text for _, text in dates], [at for at, _ in dates]
        return cls(*in_order, sorted(strings))

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return what `to_json` wrote."""
        return cls(*json.loads(data))

    def to_json(self) -> bytes:
        """Return the dictionary as JSON."""
        parts = [self._bools, self._numbers, self._dates, self._instants, self._strings]
        return json.dumps(parts, separators=(",", ":"), allow_nan=False).encode()

    def __iter__(self) -> Iterator[bool | int | float | str]:
        """Yield the values by ascending code."""
        for values in (self._bools, self._numbers, self._dates, self._strings):
            yield from values

    def equal(self, value: Any) -> Span:
        """Return the codes of what is equal to ``value``, which is not null."""
        kind, comparable = canonical(value)
        start, held = self._ordered[kind]
        return start + bisect_left(held, comparable), start + bisect_right(held, comparable)

    def in_order(self, asked: FilterOperator, value: int | float | str) -> Span:
        """Return the codes of what is of the same kind as ``value`` and smaller or larger, as ``asked`` says."""
        kind, comparable = canonical(value)
        start, held = self._ordered[kind]
        if asked is FilterOperator.LT:
            return start, start + bisect_left(held, comparable)
        if asked is FilterOperator.LTE:
            return start, start + bisect_right(held, comparable)
        after = bisect_right(held, comparable) if asked is FilterOperator.GT else bisect_left(held, comparable)
        return start + after, start + len(held)

    def texts_with(self, part: str) -> list[int]:
        """Return the codes of strings, dates among them, that have ``part`` in them."""
        return self._texts(self._dates, self._strings, lambda text: part in text)

    def texts_with_folded(self, part: str) -> list[int]:
        """As `texts_with`, after case folding."""
        folded = part.casefold()
        return self._texts(*self._folded, lambda text: folded in text)

    def _texts(self, dates: Sequence[str], strings: Sequence[str], holds: Callable[[str], bool]) -> list[int]:
        codes = []
        for kind, texts in (("date", dates), ("string", strings)):
            start, _ = self._ordered[kind]
            codes += [code for code, text in enumerate(texts, start) if holds(text)]
        return codes

    @cached_property
    def _folded(self) -> tuple[list[str], list[str]]:
        return [text.casefold() for text in self._dates], [text.casefold() for text in self._strings]
