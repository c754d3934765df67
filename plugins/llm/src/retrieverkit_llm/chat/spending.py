"""What one question costs: counted attempt by attempt, and taken out of the caller's budget before it is spent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retrieverkit_core import budget
from retrieverkit_core.services import Usage
from retrieverkit_llm.chat.answers import Said
from retrieverkit_llm.endpoint.refused import RefusedError

LEAST_ANSWER = 16
"""A budget that leaves fewer tokens for an answer is spent."""


class Spending:
    """Counts what one call of a model costs, over all its requests."""

    def __init__(self) -> None:
        self._attempts = 0
        self._read = 0
        self._wrote = 0
        self._due = 0

    def plan(self, read: int) -> int | None:
        """Plan a request of about ``read`` tokens. Returns how many its answer may have, or None for any number."""
        self._due = read + LEAST_ANSWER
        left = budget.left("tokens")
        return None if left is None else max(LEAST_ANSWER, left - read)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Take an attempt out of the budget before it is made, with what it reads.

        The tokens of one that the endpoint refuses are given back. One that is lost may have been read.

        Raises:
            BudgetExceededError: There is not that much left.
        """
        budget.spend(llm_calls=1, tokens=self._due)
        self._attempts += 1
        try:
            yield
        except RefusedError:
            budget.note(tokens=-self._due)
            raise

    def answered(self, said: Said, estimate: tuple[int, int]) -> None:
        """Count an answer's tokens: what the endpoint says, else what was estimated to be read and written."""
        read = estimate[0] if said.read is None else said.read
        wrote = estimate[1] if said.wrote is None else said.wrote
        budget.note(tokens=read + wrote - self._due)
        self._read += read
        self._wrote += wrote

    @property
    def usage(self) -> Usage:
        """What was spent."""
        return Usage(self._attempts, self._read, self._wrote)
