"""A result whose hits are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.result import RetrievalResult

if TYPE_CHECKING:
    from retrieverkit_core.found import Found


class LateResult(RetrievalResult):
    """A result that makes its hits at the first look; its length, legs and reports are known before.

    Where making them fails, the look fails, and the next one tries again. Any number of threads may look.

    Args:
        make: Returns the hits. Where it returns a result, that was retrieved again: its reports replace those of
            this one, and its length ``count``.
        count: How many there will be.
        found: The hits as ordinals, or None.
        **known: What else `RetrievalResult` takes.
    """

    __slots__ = ("_count", "_found", "_lock", "_make")

    def __init__(
        self,
        make: Callable[[], Sequence[NodeWithScore]],
        count: int,
        found: Found | None = None,
        **known: Any,
    ) -> None:
        super().__init__(**known)
        self._make: Callable[[], Sequence[NodeWithScore]] | None = make
        self._lock = Lock()
        self._count = count
        self._found = found

    @classmethod
    def like(cls, result: RetrievalResult, make: Callable[[], Sequence[NodeWithScore]]) -> LateResult:
        """Return a result that tells of itself what ``result`` does, with hits of its own."""
        late = cls(
            make,
            len(result),
            query=result.query,
            retriever=result.retriever,
            elapsed=result.elapsed,
            legs=result._legs,
            filters=result.filters,
            warnings=result.warnings,
            notes=result.notes,
            abstained=result._abstained,
            spent=result.spent,
            spec=result.spec,
        )
        late._explained = result._explained
        return late

    @property
    def found(self) -> Found | None:
        """The hits as ordinals, or None where they have nodes."""
        return self._found

    def _load(self) -> None:
        if self._make is None:
            return
        with self._lock:
            if self._make is None:
                return
            made = self._make()
            super().extend(made)
            if isinstance(made, RetrievalResult):
                self._legs, self._abstained = made._legs, made._abstained
                self.filters, self.warnings, self.notes = made.filters, made.warnings, made.notes
                self.spec = made.spec
            self._make = None

    def copied(self) -> RetrievalResult:
        """Return a result that shares no list, hit or node with this one, made as late as this one."""
        return LateResult.like(self, lambda: [hit.copied() for hit in self])

    def __len__(self) -> int:
        return super().__len__() if self._make is None else self._count

    def __iter__(self) -> Iterator[NodeWithScore]:
        self._load()
        return super().__iter__()

    def __radd__(self, other: list[Any]) -> list[Any]:
        return other + list(self)

    def __reduce__(self) -> tuple[Any, ...]:
        self._load()
        return super().__reduce__()


def loaded(hits: list[NodeWithScore], query: Any, retriever: str, elapsed: float, *known: Any) -> RetrievalResult:
    """Return a result that was taken apart."""
    legs, filters, warnings, notes, abstained, spent, spec, explained = known
    result = RetrievalResult(
        hits,
        query=query,
        retriever=retriever,
        elapsed=elapsed,
        legs=legs,
        filters=filters,
        warnings=warnings,
        notes=notes,
        abstained=abstained,
        spent=spent,
        spec=spec,
    )
    result._explained = explained
    return result


def _looking(name: str) -> Any:
    """Return the list method of that name, made to load the hits first: a list reads another list's memory."""
    method = getattr(list, name)

    def look(self: LateResult, *args: Any, **kwargs: Any) -> Any:
        for each in (self, *args):
            if isinstance(each, LateResult):
                each._load()
        return method(self, *args, **kwargs)

    look.__name__ = name
    return look


for _name in (
    "__add__", "__contains__", "__delitem__", "__eq__", "__ge__", "__getitem__", "__gt__", "__iadd__", "__imul__",
    "__le__", "__lt__", "__mul__", "__ne__", "__repr__", "__reversed__", "__rmul__", "__setitem__", "append", "clear",
    "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort",
):  # fmt: skip
    setattr(LateResult, _name, _looking(_name))
