"""Several retrievers asked side by side, each failure kept beside the answers of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, perf_counter

from retrieverkit_compose.around import leg_of
from retrieverkit_core import budget, deadline, explain
from retrieverkit_core.errors import AllLegsFailedError, BudgetExceededError, DeadlineExceededError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.side_by_side import in_tasks, in_threads

CONCURRENCY = 8
"""So many are asked at once."""

_MARGIN = 0.1
"""The part of the time left, and the most seconds of it, that are kept for making the answer."""


@dataclass(slots=True)
class Leg:
    """One question to one retriever, and what came of it.

    Attributes:
        name: Its name in the result.
        retriever: Who is asked.
        query: What is asked.
        note: What a reader of the result should know of it.
        until: When it must have answered, on the monotonic clock, or None.
        result: The answer, or None.
        error: Why there is none.
        milliseconds: How long it took.
    """

    name: str
    retriever: BaseRetriever
    query: QueryBundle
    note: str = ""
    until: float | None = None
    result: RetrievalResult | None = None
    error: Exception | None = None
    milliseconds: float = 0.0

    def ask(self) -> None:
        """Ask; an error is kept."""
        started = perf_counter()
        try:
            self.result = self.retriever.retrieve(self._bundle())
        except Exception as error:
            self.error = error
        self.milliseconds = (perf_counter() - started) * 1000

    async def aask(self) -> None:
        """As `ask`, without blocking the event loop."""
        started = perf_counter()
        try:
            self.result = await self.retriever.aretrieve(self._bundle())
        except Exception as error:
            self.error = error
        self.milliseconds = (perf_counter() - started) * 1000

    def _bundle(self) -> QueryBundle:
        if self.until is None:
            return self.query
        left = self.until - monotonic()
        if left <= 0:
            raise DeadlineExceededError(self.name, None)
        return self.query.replace(timeout=left)

    @property
    def status(self) -> LegStatus:
        """How it ended."""
        if self.result is not None:
            return leg_of(self.name, self.result, self.note)
        late = isinstance(self.error, DeadlineExceededError)
        state = LegState.TIMEOUT if late else LegState.FAILED
        return LegStatus(self.name, state, 0, self.milliseconds, self.error, note=self.note)


def answer_until() -> float | None:
    """Return when legs must have answered for the caller's deadline to be kept, or None if there is none."""
    left = deadline.remaining()
    return None if left is None else monotonic() + left - min(left * _MARGIN, _MARGIN)


def ask_all(legs: Sequence[Leg]) -> list[RetrievalResult]:
    """Ask all legs and return the answers that there are, in the order of the legs.

    Raises:
        AllLegsFailedError: There is none. The only leg's error is raised as it is.
        BudgetExceededError: The budget was to last for all legs, and did not.
    """
    _set_time(legs)
    in_threads([leg.ask for leg in legs], CONCURRENCY)
    return _answers(legs)


async def aask_all(legs: Sequence[Leg]) -> list[RetrievalResult]:
    """As `ask_all`, without blocking the event loop."""
    _set_time(legs)
    await in_tasks([partial(leg.aask) for leg in legs], CONCURRENCY)
    return _answers(legs)


def _set_time(legs: Sequence[Leg]) -> None:
    until = answer_until() if len(legs) > 1 else None  # the only one has all the time that there is
    for leg in legs:
        leg.until = until


def _answers(legs: Sequence[Leg]) -> list[RetrievalResult]:
    told = explain.recording()
    if told is not None:
        told.legs_are((leg.name, leg.result, leg.error) for leg in legs)
    errors = {leg.name: leg.error for leg in legs if leg.error is not None}
    if len(legs) == len(errors) == 1:
        raise next(iter(errors.values()))
    if not budget.settles_for_part():
        for error in errors.values():
            if isinstance(error, BudgetExceededError):
                raise error
    if len(errors) == len(legs) and legs:
        raise AllLegsFailedError(dict(errors)) from next(iter(errors.values()))
    return [leg.result for leg in legs if leg.result is not None]


def warnings_of(legs: Sequence[Leg]) -> tuple[str, ...]:
    """Return what the answers warn of, each with its leg."""
    return tuple(f"{leg.name}: {warning}" for leg in legs if leg.result is not None for warning in leg.result.warnings)
