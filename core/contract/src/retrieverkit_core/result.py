"""The answer to a query: a list of hits that knows how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from retrieverkit_core.budget import NOTHING, Spent
from retrieverkit_core.errors import UsageError
from retrieverkit_core.hits import NodeWithScore

if TYPE_CHECKING:
    from pydantic import BaseModel

    from retrieverkit_core.explain import Explanation, Recording
    from retrieverkit_core.found import Found
    from retrieverkit_core.query import QueryBundle


class Outcome(StrEnum):
    """What kind of answer it is.

    EMPTY means that everything ran and nothing matched; PARTIAL that a leg failed, was cut off, or lost hits;
    ABSTAINED that the retriever declined to answer.
    """

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"
    ABSTAINED = "abstained"


class LegState(StrEnum):
    """How one leg ended."""

    OK = "ok"
    EMPTY = "empty"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class FilterReport:
    """What became of the caller's filters and scope.

    Of a composite it is the sum over its legs: a part that one leg applied itself and another left to core stands
    in both ``pushed`` and ``rechecked``; the legs' own reports tell them apart.

    Attributes:
        pushed: The part that the mode applied itself, as filter text, or "".
        rechecked: The part that only core applied, as filter text, or "".
        dropped: How many hits core took out because they did not pass ``rechecked``.
        leaked: Ids of hits that the mode should have filtered out and did not; core took them out.
    """

    pushed: str = ""
    rechecked: str = ""
    dropped: int = 0
    leaked: tuple[str, ...] = ()

    @classmethod
    def of_legs(cls, reports: Iterable[FilterReport]) -> FilterReport:
        """Return what a composite says of its legs: each part that any of them applied, or left to core."""
        reports = list(reports)
        return cls(
            pushed=_joined(report.pushed for report in reports),
            rechecked=_joined(report.rechecked for report in reports),
            dropped=sum(report.dropped for report in reports),
            leaked=tuple(dict.fromkeys(chain.from_iterable(report.leaked for report in reports))),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as inert JSON."""
        return {
            "pushed": self.pushed,
            "rechecked": self.rechecked,
            "dropped": self.dropped,
            "leaked": list(self.leaked),
        }


def _joined(texts: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(filter(None, texts)))
    return distinct[0] if len(distinct) == 1 else " and ".join(f"({text})" for text in distinct)


NO_FILTERS = FilterReport()


@dataclass(frozen=True, slots=True)
class LegStatus:
    """How one leg of a retrieval ended.

    Attributes:
        name: The leg's name.
        state: How it ended.
        n: How many hits it gave.
        milliseconds: How long it took.
        error: What went wrong, or None.
        legs: The legs of this leg, if it is a composite.
        note: What a reader should know, such as the model that was used.
        filters: What became of the filters and the scope in this leg, or None where there were none.
    """

    name: str
    state: LegState
    n: int = 0
    milliseconds: float = 0.0
    error: BaseException | None = None
    legs: tuple[LegStatus, ...] = ()
    note: str = ""
    filters: FilterReport | None = None

    @property
    def failed(self) -> bool:
        """Whether the leg, or a leg of it, gave no complete answer."""
        return self.state in (LegState.FAILED, LegState.TIMEOUT) or any(leg.failed for leg in self.legs)

    def as_dict(self) -> dict[str, Any]:
        """Return the status as inert JSON."""
        told: dict[str, Any] = {"name": self.name, "state": self.state.value, "n": self.n}
        told["milliseconds"] = round(self.milliseconds, 3)
        if self.error is not None:
            told["error"] = str(self.error)
        if self.note:
            told["note"] = self.note
        if self.filters is not None:
            told["filters"] = self.filters.as_dict()
        if self.legs:
            told["legs"] = [leg.as_dict() for leg in self.legs]
        return told


class Made(Protocol):
    """What is known of how hits were made, whatever they are."""

    @property
    def legs_of_its_own(self) -> tuple[LegStatus, ...]:
        """The status of each leg; none where there are no legs."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader may want to know."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know to trust the answer."""
        ...

    @property
    def abstained(self) -> bool:
        """Whether the author declined to answer."""
        ...


class RetrievalResult(list[NodeWithScore]):
    """A list of hits, best first, that also knows how it came about.

    Attributes:
        query: The query that was answered, or None while the result is being made.
        retriever: The name of the retriever that answered.
        elapsed: Seconds that it took.
        filters: What became of the filters and the scope.
        warnings: What a reader must know to trust the answer, such as a leaking plugin or a failing observer.
        notes: What a reader may want to know, such as the mode that was chosen.
        spent: What was spent on models, the legs and an index that was built on the way included. None where that is
            not known by query: in a batch whose queries shared calls.
        spec: What the question was read as, by a retriever that finds filters in it; else None.
    """

    __slots__ = (
        "_abstained",
        "_explained",
        "_legs",
        "elapsed",
        "filters",
        "notes",
        "query",
        "retriever",
        "spec",
        "spent",
        "warnings",
    )

    query: QueryBundle | None
    retriever: str
    elapsed: float
    filters: FilterReport
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    spent: Spent | None
    spec: BaseModel | None

    def __init__(
        self,
        hits: Iterable[NodeWithScore] = (),
        *,
        query: QueryBundle | None = None,
        retriever: str = "",
        elapsed: float = 0.0,
        legs: Sequence[LegStatus] = (),
        filters: FilterReport = NO_FILTERS,
        warnings: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        abstained: bool = False,
        spent: Spent | None = NOTHING,
        spec: BaseModel | None = None,
    ) -> None:
        super().__init__(hits)
        self.query = query
        self.retriever = retriever
        self.elapsed = elapsed
        self.filters = filters
        self.warnings = warnings
        self.notes = notes
        self.spent = spent
        self._legs = legs
        self._abstained = abstained
        self._explained: Recording | Explanation | None = None
        self.spec = spec

    @property
    def legs(self) -> tuple[LegStatus, ...]:
        """The status of each leg; a retriever that is not a composite is its own only leg."""
        if self._legs:
            return tuple(self._legs)
        state = LegState.OK if self else LegState.EMPTY
        return (LegStatus(self.retriever, state, len(self), self.elapsed * 1000),)

    @property
    def outcome(self) -> Outcome:
        """What kind of answer it is."""
        if self._abstained:
            return Outcome.ABSTAINED
        if any(leg.failed for leg in self._legs):
            return Outcome.PARTIAL
        return Outcome.OK if self else Outcome.EMPTY

    @property
    def abstained(self) -> bool:
        """Whether the retriever declined to answer."""
        return self._abstained

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds by leg name, and under ``total`` for the whole."""
        return {**{leg.name: leg.milliseconds for leg in self.legs}, "total": self.elapsed * 1000}

    @property
    def nodes(self) -> list[Any]:
        """The hits' nodes."""
        return [hit.node for hit in self]

    @property
    def found(self) -> Found | None:
        """The hits as ordinals, for a composite that asked for candidates; None where they have nodes."""
        return None

    def copied(self) -> RetrievalResult:
        """Return a result that shares no list, hit or node with this one. Nothing is copied before it is looked at."""
        from retrieverkit_core.late_result import LateResult

        hits = list(self)
        return LateResult.like(self, lambda: [hit.copied() for hit in hits])

    def inherit(self, made: Made) -> None:
        """Take over what is known of how the hits were made, by the author of the retriever.

        Args:
            made: What the author returned: another result, or `Found`.
        """
        self._legs = (*made.legs_of_its_own, *self._legs)
        self._abstained = made.abstained
        self.spec = made.spec if isinstance(made, RetrievalResult) else None
        self.warnings = (*made.warnings, *self.warnings)
        self.notes = (*self.notes, *(note for note in made.notes if note not in self.notes))

    @property
    def legs_of_its_own(self) -> tuple[LegStatus, ...]:
        """The status of each leg; none where the retriever is not a composite."""
        return tuple(self._legs)

    def explain(self) -> Explanation:
        """Return how the answer came about: a tree that mirrors the retriever, and what each score was made from.

        Raises:
            UsageError: It was not asked for when the query was.
        """
        if self._explained is None:
            raise UsageError("nobody asked for an explanation of this result", fix="retrieve(query, explain=True)")
        from retrieverkit_core.explain import Recording

        if isinstance(self._explained, Recording):
            self._explained = self._explained.explanation()
        return self._explained

    def __reduce__(self) -> tuple[Any, ...]:
        from retrieverkit_core.late_result import loaded

        return loaded, self._state()

    def _state(self) -> tuple[Any, ...]:
        """Return what makes a copy of it, all of it data."""
        explained = None if self._explained is None else self.explain()
        return (list(self), self.query, self.retriever, self.elapsed, self._legs, self.filters, self.warnings,
                self.notes, self._abstained, self.spent, self.spec, explained)  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the result as inert JSON."""
        from retrieverkit_core.show import result_as_dict

        return result_as_dict(self)

    def __str__(self) -> str:
        from retrieverkit_core.show import result_as_text

        return result_as_text(self)

    def _repr_html_(self) -> str:
        from retrieverkit_core.show_html import result_as_html

        return result_as_html(self)
