"""What a check is, and which there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieverkit_testkit.capabilities import Capability, Trait

if TYPE_CHECKING:
    from retrieverkit_testkit.subjects import Subject

CheckFunction = Callable[["Subject"], "str | None"]
"""A check: it raises when something is wrong, and may return what a reader may want to know."""

_MEND = "To mend:"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        function: What is run.
        requires: The capabilities that must be declared for it.
        needs: What the kit must see for it.
        thorough: Whether a quick run leaves it out.
    """

    function: CheckFunction
    requires: frozenset[Capability]
    needs: tuple[Trait, ...]
    thorough: bool

    @property
    def name(self) -> str:
        """The function's name without ``check_``."""
        return self.function.__name__.removeprefix("check_")

    @property
    def group(self) -> str:
        """The name of the module that it is in."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def promise(self) -> str:
        """What a retriever that passes keeps."""
        return _text(self.function).partition(_MEND)[0].strip()

    @property
    def mend(self) -> str:
        """How to mend what it finds."""
        return " ".join(_text(self.function).partition(_MEND)[2].split())


_found: list[Check] = []


def check(
    *requires: Capability, needs: tuple[Trait, ...] = (), thorough: bool = False
) -> Callable[[CheckFunction], CheckFunction]:
    """Make a function a check.

    Args:
        *requires: The capabilities that must be declared for it.
        needs: What the kit must see for it.
        thorough: Whether a quick run leaves it out.
    """

    def add(function: CheckFunction) -> CheckFunction:
        _found.append(Check(function, frozenset(requires), needs, thorough))
        return function

    return add


def all_checks() -> tuple[Check, ...]:
    """Return every check, in the order in which they are run."""
    import retrieverkit_testkit.checks

    assert retrieverkit_testkit.checks, "imported for the checks in it"
    return tuple(_found)


def _text(function: CheckFunction) -> str:
    return inspect.getdoc(function) or ""
