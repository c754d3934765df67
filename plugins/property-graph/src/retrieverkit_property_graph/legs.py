"""Asking another retriever as a part of a graph mode, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic, perf_counter
from types import TracebackType
from typing import Self

from retrieverkit_core import budget, deadline
from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_core.errors import BudgetExceededError, DeadlineExceededError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import NO_FILTERS, LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever

_MARGIN = 0.1
"""The part of the time left, and the most seconds of it, that are kept for making the answer."""


@dataclass(slots=True)
class Ask:
    """One query to one retriever. As a context it takes the time and keeps the error.

    Attributes:
        name: The leg's name in the result.
        retriever: Who is asked.
        query: What, with the filters and the scope of the whole.
        candidates: How many hits are wanted.
        until: When it must have answered, on the monotonic clock, or None.
        result: The answer, or None.
        error: Why there is none.
        milliseconds: How long it took.
    """

    name: str
    retriever: BaseRetriever
    query: QueryBundle
    candidates: int
    until: float | None = None
    result: RetrievalResult | None = None
    error: Exception | None = None
    milliseconds: float = 0.0
    _started: float = field(default=0.0, repr=False)

    def ask(self) -> None:
        """Ask, and keep the answer or the error."""
        with self:
            self.result = self.retriever.candidates(self.bundle())

    async def aask(self) -> None:
        """As `ask`, without blocking the event loop."""
        with self:
            self.result = await self.retriever.acandidates(self.bundle())

    def read(self) -> None:
        """Read the nodes of the answer; what goes wrong is an error of the leg, as in `ask`."""
        asked, found = self.milliseconds, self.result
        self.result = None
        with self:
            if found is not None:
                iter(found)
            self.result = found
        self.milliseconds += asked

    def bundle(self) -> QueryBundle:
        """Return what the leg is asked.

        Raises:
            DeadlineExceededError: There is no time left.
        """
        left = None if self.until is None else self.until - monotonic()
        if left is not None and left <= 0.0:
            raise DeadlineExceededError(self.name, None)
        return self.query.replace(top_k=self.candidates, timeout=left)

    @property
    def state(self) -> tuple[Corpus, Cursor] | None:
        """The corpus that was searched, and its state; None where that is not known, or there is no answer."""
        found = None if self.result is None else self.result.found
        if found is None or found.corpus is None or found.cursor is None:
            return None
        return found.corpus, found.cursor

    @property
    def status(self) -> LegStatus:
        """How the leg ended."""
        if self.result is None:
            late = isinstance(self.error, DeadlineExceededError)
            return LegStatus(self.name, LegState.TIMEOUT if late else LegState.FAILED, 0, self.milliseconds, self.error)
        result = self.result
        return LegStatus(
            self.name,
            LegState.OK if result else LegState.EMPTY,
            len(result),
            self.milliseconds,
            legs=result.legs_of_its_own,
            note="; ".join(filter(None, [*result.notes, "abstained" if result.abstained else ""])),
            filters=None if result.filters is NO_FILTERS else result.filters,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know to trust the answer."""
        return () if self.result is None else tuple(f"{self.name}: {warning}" for warning in self.result.warnings)

    def __enter__(self) -> Self:
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self.milliseconds = (perf_counter() - self._started) * 1000
        if not isinstance(error, Exception):
            return False
        self.error = error
        return True


def answer_until() -> float | None:
    """Return when legs must have answered for the caller's deadline to be kept, or None if there is none."""
    left = deadline.remaining()
    return None if left is None else monotonic() + left - min(left * _MARGIN, _MARGIN)


def raise_spent(ask: Ask) -> None:
    """Raise where the budget ran out in a leg and the caller does not settle for a part.

    Raises:
        BudgetExceededError: That is so.
    """
    if not isinstance(ask.error, BudgetExceededError):
        return
    asked = ask.query.budget
    if not (budget.settles_for_part() if asked is None else asked.partial):
        raise ask.error
