"""What one retrieval may spend on models: seen by everything that runs under it, None unless asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
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


@dataclass(frozen=True, slots=True)
class Spent:
    """What a retrieval has spent on models, its legs and retries included. It is false where that is nothing.

    Attributes:
        llm_calls: Attempts to ask a language model.
        embedding_calls: Attempts to ask an embedding model.
        tokens: Tokens that language models read and wrote.
    """

    llm_calls: int = 0
    embedding_calls: int = 0
    tokens: int = 0

    def __bool__(self) -> bool:
        return bool(self.llm_calls or self.embedding_calls or self.tokens)

    def as_dict(self) -> dict[str, int]:
        """Return the amounts as inert JSON."""
        return {name: getattr(self, name) for name in LIMITS}

    def __str__(self) -> str:
        amounts = ((getattr(self, name), name) for name in LIMITS)
        told = [f"{amount:,} {_named(name, amount)}" for amount, name in amounts if amount]
        return ", ".join(told) or "nothing"


NOTHING = Spent()


def _named(limit: str, amount: int) -> str:
    words = {"llm_calls": "model calls"}.get(limit, limit.replace("_", " "))
    return words.removesuffix("s") if amount == 1 else words


_lock = threading.Lock()
"""One for all accounts: what counts in several is noted in all of them at once, and model calls are few."""


class Account:
    """What has been spent by all threads that work for one retrieval, and the budget that limits it.

    Args:
        budget: The limits, or None where spending is only counted.
        enclosing: The account of an enclosing retrieval, in which everything counts too.
    """

    __slots__ = ("_enclosing", "_spent", "budget")

    def __init__(self, budget: Budget | None = None, enclosing: Account | None = None) -> None:
        self.budget = budget
        self._enclosing = enclosing
        self._spent: dict[str, int] | None = None

    @property
    def spent(self) -> Spent:
        """What has been spent."""
        if self._spent is None:
            return NOTHING
        with _lock:
            return Spent(**self._spent)

    def spend(self, **amounts: int) -> None:
        """Note an expense before it is made.

        Raises:
            BudgetExceededError: A limit does not allow it; then nothing is noted.
        """
        with _lock:
            self._check(amounts)
            self._add(amounts)

    def check(self, **amounts: int) -> None:
        """Raise what `spend` would, and note nothing."""
        with _lock:
            self._check(amounts)

    def note(self, **amounts: int) -> None:
        """Note an expense that has been made already, such as the tokens of an answer, whatever the limits say."""
        with _lock:
            self._add(amounts)

    def left(self, name: str) -> int | None:
        """Return how much of a limit is left, at least 0, or None where nothing limits it."""
        with _lock:
            limited = [(account, getattr(account.budget, name)) for account in self._all() if account.budget]
            return min(
                (max(0, most - account._of(name)) for account, most in limited if most is not None), default=None
            )

    def settles_for_part(self) -> bool:
        """Return whether the innermost budget asks for what was found before it ran out."""
        return next((account.budget.partial for account in self._all() if account.budget), False)

    def _all(self) -> Iterator[Account]:
        account: Account | None = self
        while account is not None:
            yield account
            account = account._enclosing

    def _of(self, name: str) -> int:
        return 0 if self._spent is None else self._spent[name]

    def _check(self, amounts: dict[str, int]) -> None:
        for account in self._all():
            for name in LIMITS if account.budget else ():
                limit, spent = getattr(account.budget, name), account._of(name)
                least = 1 if name == "tokens" and amounts.get("llm_calls") else 0  # no model answers without reading
                if limit is not None and spent + amounts.get(name, least) > limit:
                    raise BudgetExceededError(name, limit, spent)

    def _add(self, amounts: dict[str, int]) -> None:
        for account in self._all():
            if account._spent is None:
                account._spent = dict.fromkeys(LIMITS, 0)
            for name, amount in amounts.items():
                account._spent[name] += amount


_account: ContextVar[Account | None] = ContextVar("retrieverkit_budget", default=None)


def account() -> Account | None:
    """Return the account of the running retrieval, or None outside of one."""
    return _account.get()


def spend(**amounts: int) -> None:
    """Note an expense of the running retrieval before it is made; outside of one nothing happens.

    Once the tokens of a budget are used up, no further call of a language model is allowed.

    Args:
        **amounts: Amounts by the names of `Budget`'s limits, such as ``llm_calls=1``.

    Raises:
        BudgetExceededError: A limit does not allow it.
    """
    if (running := _account.get()) is not None:
        running.spend(**amounts)


def check(**amounts: int) -> None:
    """Raise what `spend` would, and note nothing."""
    if (running := _account.get()) is not None:
        running.check(**amounts)


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
    return (running := _account.get()) is not None and running.settles_for_part()


class limited:
    """Run the block under a budget, or count what it spends; an enclosing budget holds, and counts it, too.

    It stands around every retrieval: as a generator it would take three times as long.

    Args:
        budget: The limits, or None to count only.
    """

    __slots__ = ("_account", "_token")

    def __init__(self, budget: Budget | None) -> None:
        self._account = Account(budget, _account.get())

    def __enter__(self) -> Account:
        self._token = _account.set(self._account)
        return self._account

    def __exit__(self, *exception: object) -> None:
        _account.reset(self._token)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
