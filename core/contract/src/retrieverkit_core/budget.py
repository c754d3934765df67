"""What one retrieval may spend on models: seen by everything that runs under it, None unless asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from retrieverkit_core.errors import BudgetExceededError, QueryError


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits on what a retrieval may spend, its legs and retries included; None is no limit.

    Attributes:
        llm_calls: Attempts to ask a language model.
        embedding_calls: Attempts to ask an embedding model.
        tokens: Tokens that language models read and write.
    """

    llm_calls: int | None = None
    embedding_calls: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is not None and (type(limit) is not int or limit < 0):
                raise QueryError(f"the budget's {name} is a whole number from 0 up or None, not {limit!r}")


class Account:
    """A budget and what has been spent of it, by all threads that work for one retrieval."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._lock = threading.Lock()
        self._spent = dict.fromkeys(Budget.__slots__, 0)

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

    def _spend_around(self, amounts: dict[str, int]) -> None:
        """Note the expense where else it counts."""


class _Nested(Account):
    """An account within another: what is spent counts in both."""

    def __init__(self, budget: Budget, enclosing: Account) -> None:
        super().__init__(budget)
        self._enclosing = enclosing

    def _spend_around(self, amounts: dict[str, int]) -> None:
        self._enclosing.spend(**amounts)


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
