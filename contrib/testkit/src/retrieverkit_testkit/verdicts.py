"""How a check says that something is wrong, or that it has nothing to check."""

from __future__ import annotations


class CheckFailed(AssertionError):
    """The retriever does not keep what the check is about."""


class NothingToCheck(Exception):
    """The check does not apply; the text says why."""


def ensure(condition: object, problem: str) -> None:
    """Raise `CheckFailed` with ``problem`` unless ``condition`` holds. Unlike ``assert``, also under ``python -O``."""
    if not condition:
        raise CheckFailed(problem)
