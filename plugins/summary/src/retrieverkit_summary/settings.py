"""Checks of what the retrievers are constructed with."""

from __future__ import annotations

from retrieverkit_core.errors import OptionError


def positive(mode: str, **numbers: int | None) -> None:
    """Raise unless each is a whole number from 1 up, or None.

    Raises:
        OptionError: One is not.
    """
    wrong = [
        (name, f"it is a whole number from 1 up, not {number!r}")
        for name, number in numbers.items()
        if number is not None and (type(number) is not int or number < 1)
    ]
    if wrong:
        raise OptionError(mode, wrong)
