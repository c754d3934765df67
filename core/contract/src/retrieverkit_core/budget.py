"""What one retrieval may spend on models: seen by everything that runs under it, None unless asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from retrieverkit_core.errors import BudgetExceededError, QueryError

LIMITS = ("llm_calls", "embedding_calls", "tokens")
"""What can be limited, by the names of `Budget`'s fields."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what a retrieval may spend, its legs and retries included; None is no limit.

    Attributes:
        llm_calls: Attempts to ask a language model.
        embedding_calls: Attempts to ask an embedding model.
        tokens: Tokens that language models read and write.
        partial: Whether a mode that runs out returns what it has found by then, marked as partial, where it can. If
            not, running out is an error.
    """

    llm_calls: int | None = None
    embedding_calls: int | None = None
    tokens: int | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        for name in LIMITS:
            limit = getattr(self, name)
            if limit is not None and (type(limit) is not int or limit < 0):
                raise QueryError(f"the budget's {name} is a whole number from 0 up or None, not {limit!r}")
        if type(self.partial) is not bool:
            raise QueryError(f"the budget's partial is True or False, not {self.partial!r}")


class Account:
    """A budget and what has been spent of it, by all threads that work for one retrieval."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._spent = dict.fromkeys(LIMITS, 0)

    @property
    def spent(self) -> dict[str, int]:
        """What has been spent, by the names of the limits."""
        with self._lock:
            return dict(self._spent)

    def spend(self, **amounts: int) -> None:
        """Note an expense before it is made.

        Raises:
            BudgetExceededError: A limit does not allow it; then nothing is noted.
        """
        with self._lock:
            for name, amount in amounts.items():
                limit = getattr(self.budget, name)
                if limit is not None and self._spent[name] + amount > limit:
                    raise BudgetExceededError(name, limit, self._spent[name])
            self._spend_around(amounts)
            for name, amount in amounts.items():
                self._spent[name] += amount

    def note(self, **amounts: int) -> None:
        """Note an expense that has been made already, such as the tokens of an answer, whatever the limits say."""
        with self._lock:
            for name, amount in amounts.items():
                self._spent[name] += amount
        self._note_around(amounts)

    def left(self, name: str) -> int | None:
        """Return how much of a limit is left, at least 0, or None where nothing limits it."""
        limit = getattr(self.budget, name)
        with self._lock:
            return None if limit is None else max(0, limit - self._spent[name])

    def _spend_around(self, amounts: dict[str, int]) -> None:
        """Spend where else it counts."""

    def _note_around(self, amounts: dict[str, int]) -> None:
        """Note the expense where else it counts."""


class _Nested(Account):
    """An account within another: what is spent counts in both."""

    def __init__(self, budget: Budget, enclosing: Account) -> None:
        super().__init__(budget)
        self._enclosing = enclosing

    def _spend_around(self, amounts: dict[str, int]) -> None:
        self._enclosing.spend(**amounts)

    def _note_around(self, amounts: dict[str, int]) -> None:
        self._enclosing.note(**amounts)

    def left(self, name: str) -> int | None:
        """Return the less of what is left here and in the enclosing account."""
        both = [left for left in (super().left(name), self._enclosing.left(name)) if left is not None]
        return min(both, default=None)


_account: ContextVar[Account | None] = ContextVar("retrieverkit_budget", default=None)


def account() -> Account | None:
    """Return the account of the running retrieval, or None where no budget was given."""
    return _account.get()


def spend(**amounts: int) -> None:
    """Note an expense of the running retrieval before it is made; nothing happens where no budget was given.

    Args:
        **amounts: Amounts by the names of `Budget`'s limits, such as ``llm_calls=1``.

    Raises:
        BudgetExceededError: A limit does not allow it.
    """
    if (running := _account.get()) is not None:
        running.spend(**amounts)


def note(**amounts: int) -> None:
    """Note an expense of the running retrieval that has been made already, such as the tokens of an answer.

    Nothing is refused: what goes over a limit makes the next `spend` fail.

    Args:
        **amounts: Amounts by the names of `Budget`'s limits.
    """
    if (running := _account.get()) is not None:
        running.note(**amounts)


def left(name: str) -> int | None:
    """Return how much of a limit is left to the running retrieval, or None where nothing limits it."""
    return None if (running := _account.get()) is None else running.left(name)


def settles_for_part() -> bool:
    """Return whether a mode that runs out of its budget should return what it has, marked as partial."""
    return (running := _account.get()) is not None and running.budget.partial


@contextmanager
def limited(budget: Budget) -> Iterator[Account]:
    """Run the block under a budget; an enclosing one holds too."""
    enclosing = _account.get()
    own = Account(budget) if enclosing is None else _Nested(budget, enclosing)
    token = _account.set(own)
    try:
        yield own
    finally:
        _account.reset(token)
