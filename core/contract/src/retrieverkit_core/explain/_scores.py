"""Where a score comes from: named numbers that can be put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import fsum, isclose, prod
from typing import Any

TOLERANCE = 1e-12
"""How far, relative to the value, a score may be from what its parts come to; those shipped here are equal to it."""


class How(StrEnum):
    """How the values of the parts make the value.

    STATED means that no arithmetic leads from the parts to the value: it is a number that an engine gave, or one that
    also depends on other hits, as a normalised score does.
    """

    STATED = "stated"
    SUM = "sum"
    PRODUCT = "product"
    QUOTIENT = "quotient"
    MAX = "max"
    MIN = "min"


_OPERATIONS: dict[How, Callable[[Sequence[float]], float]] = {
    How.SUM: fsum,
    How.PRODUCT: prod,
    How.QUOTIENT: lambda values: values[0] / prod(values[1:]),
    How.MAX: max,
    How.MIN: min,
}


@dataclass(frozen=True, slots=True)
class Score:
    """A number, and what it was made from.

    Attributes:
        name: What it is, such as ``"weight"`` or the name of a leg.
        value: The number; None where there is no score.
        how: How the parts make it.
        parts: What it was made from.
        leg: The leg that gave this number as its score; what that leg says of it then stands in its place.
    """

    name: str
    value: float | None
    how: How = How.STATED
    parts: tuple[Score, ...] = ()
    leg: str = ""

    def walk(self) -> Iterator[Score]:
        """Yield this number and all that it was made from."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def recombined(self) -> float | None:
        """Return what the parts come to; the value itself where it is stated."""
        if self.how is How.STATED:
            return self.value
        values = [part.value for part in self.parts if part.value is not None]
        if not values:
            return None
        try:
            return float(_OPERATIONS[self.how](values))
        except (ArithmeticError, ValueError):
            return None

    @property
    def recombines(self) -> bool:
        """Whether this number, and each that it was made from, is what its parts come to, within `TOLERANCE`."""
        return all(_equal(each.value, each.recombined()) for each in self.walk())

    def linked(self, of_leg: Callable[[str], Score | None]) -> Score:
        """Return the same with what the legs say of their scores.

        Args:
            of_leg: Returns what the leg of a name says of its score, or None.
        """
        if self.leg:
            said = of_leg(self.leg)
            if said is not None and said.value == self.value:
                return said
        if not self.parts:
            return self
        return replace(self, parts=tuple(part.linked(of_leg) for part in self.parts))

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        told: dict[str, Any] = {"name": self.name, "value": self.value, "how": self.how.value}
        if self.leg:
            told["leg"] = self.leg
        if self.parts:
            told["parts"] = [part.as_dict() for part in self.parts]
        return told

    def __str__(self) -> str:
        shown = "none" if self.value is None else f"{self.value:.6g}"
        if not self.parts:
            return f"{self.name} {shown}"
        if self.how is How.STATED:
            return f"{self.name} {shown} (of {', '.join(map(str, self.parts))})"
        joined = _SIGNS.get(self.how, ", ").join(map(str, self.parts))
        inner = f"{self.how.value}({joined})" if self.how in (How.MAX, How.MIN) else joined
        return f"{self.name} {shown} = {inner}" if self.how not in _SIGNS else f"{self.name} {shown} = [{inner}]"


_SIGNS = {How.SUM: " + ", How.PRODUCT: " x ", How.QUOTIENT: " / "}


def _equal(value: float | None, other: float | None) -> bool:
    if value is None or other is None:
        return value is other
    return isclose(value, other, rel_tol=TOLERANCE)
