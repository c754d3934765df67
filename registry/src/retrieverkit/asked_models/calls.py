"""One call of a model: what it costs and how long it takes, for cassettes and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from retrieverkit.asked_models.errors import error_told
from retrieverkit.cassettes import Cassette, current
from retrieverkit.cassettes.questions import Places, Question
from retrieverkit_core import budget, trace
from retrieverkit_core.budget import limited
from retrieverkit_core.errors import BudgetExceededError, ServiceError


def unheard() -> bool:
    """Return whether nobody wants to know of a call."""
    return current() is None and trace.listener() is None


class LiveCall:
    """A call that is really made, as a context: its cost and its time are taken, its error is recorded.

    Args:
        tape: The cassette that it is recorded on, or None.
        questions: What is asked in it.
        facts: What a trace is told of it.
        asked: The model's name.
        places: Those of the labels of a prompt.
    """

    def __init__(
        self,
        tape: Cassette | None,
        questions: Sequence[Question],
        asked: str,
        facts: dict[str, Any],
        places: Places | None = None,
    ) -> None:
        self._tape, self._questions, self._asked, self._facts = tape, questions, asked, facts
        self._places = places or Places(())

    def __enter__(self) -> Self:
        self._limited = limited(None)
        self._account = self._limited.__enter__()
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._limited.__exit__()
        if isinstance(error, ServiceError):
            told = self._places.put(error_told(error))
            self._settle(None, told)
        elif isinstance(error, BudgetExceededError):
            self._refused(error)

    def _refused(self, error: BudgetExceededError) -> None:
        """Record that too few tokens were left; that no call was left shows in the calls that were made."""
        if self._tape is not None and error.limit == "tokens" and not self._account.spent:
            self._tape.record_refused(self._questions[0], max(0, error.allowed - error.spent))

    def answered(self, given: Sequence[Any]) -> None:
        """Record one answer per question."""
        self._settle(given, None)

    def _settle(self, given: Sequence[Any] | None, error: dict[str, Any] | None) -> None:
        spent = self._account.spent
        if self._tape is not None:
            self._tape.record(self._questions, given, spent=spent.as_dict(), error=error)
        attempts = spent.llm_calls or spent.embedding_calls
        reported(self._asked, self._facts, attempts, spent.tokens, perf_counter() - self._started, error)


def reported(
    asked: str, facts: dict[str, Any], attempts: int, tokens: int, seconds: float, error: Mapping[str, Any] | None
) -> None:
    """Tell a trace of a call, where somebody listens."""
    if trace.listener() is None:
        return
    failed = {} if error is None else {"error": error["code"]}
    milliseconds = round(seconds * 1000, 3)
    trace.reported(asked, "model", attempts=attempts, tokens=tokens, milliseconds=milliseconds, **facts, **failed)


def pay(spent: Mapping[str, int]) -> None:
    """Spend what a recorded call cost, but for the tokens, which are noted once it is answered."""
    calls = {name: amount for name, amount in spent.items() if name != "tokens"}
    if calls:
        budget.spend(**calls)
