"""A result whose hits are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.result import RetrievalResult

if TYPE_CHECKING:
    from retrieverkit_core.found import Found


class LateResult(RetrievalResult):
    """A result that makes its hits at the first look; its length, legs and reports are known before.

    Args:
        make: Returns the hits.
        count: How many there will be.
        like: The result whose query, legs, filters, warnings and notes this one has.
        found: The hits as ordinals, or None.
    """

    __slots__ = ("_count", "_found", "_make")

    def __init__(
        self,
        make: Callable[[], list[NodeWithScore]],
        count: int,
        like: RetrievalResult,
        found: Found | None = None,
    ) -> None:
        super().__init__(
            query=like.query,
            retriever=like.retriever,
            elapsed=like.elapsed,
            legs=like._legs,
            filters=like.filters,
            warnings=like.warnings,
            notes=like.notes,
            abstained=like._abstained,
        )
        self._make: Callable[[], list[NodeWithScore]] | None = make
        self._count = count
        self._found = found

    @property
    def found(self) -> Found | None:
        """The hits as ordinals, or None where they have nodes."""
        return self._found

    def _load(self) -> None:
        if self._make is not None:
            make, self._make = self._make, None
            super().extend(make())

    def copied(self) -> RetrievalResult:
        """Return a result that shares no list, hit or node with this one, made as late as this one."""
        return LateResult(lambda: [hit.copied() for hit in self], len(self), self)

    def __len__(self) -> int:
        return super().__len__() if self._make is None else self._count

    def __iter__(self) -> Iterator[NodeWithScore]:
        self._load()
        return super().__iter__()

    def __reduce__(self) -> tuple[Any, ...]:
        self._load()
        return _loaded, (list(self), self.query, self.retriever, self.elapsed, self._legs, self.filters, self.warnings,
                         self.notes, self._abstained)  # fmt: skip


def _loaded(hits: list[NodeWithScore], query: Any, retriever: str, elapsed: float, *known: Any) -> RetrievalResult:
    legs, filters, warnings, notes, abstained = known
    return RetrievalResult(
        hits,
        query=query,
        retriever=retriever,
        elapsed=elapsed,
        legs=legs,
        filters=filters,
        warnings=warnings,
        notes=notes,
        abstained=abstained,
    )


def _looking(name: str) -> Any:
    """Return the list method of that name, made to load the hits first."""
    method = getattr(list, name)

    def look(self: LateResult, *args: Any, **kwargs: Any) -> Any:
        self._load()
        return method(self, *args, **kwargs)

    look.__name__ = name
    return look


for _name in (
    "__add__", "__contains__", "__delitem__", "__eq__", "__ge__", "__getitem__", "__gt__", "__iadd__", "__imul__",
    "__le__", "__lt__", "__mul__", "__ne__", "__repr__", "__reversed__", "__rmul__", "__setitem__", "append", "clear",
    "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort",
):  # fmt: skip
    setattr(LateResult, _name, _looking(_name))
