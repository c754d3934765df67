"""What a result says where a model was not shown all that passes."""

from __future__ import annotations

from typing import NamedTuple

from retrieverkit_core.result import LegState, LegStatus
from retrieverkit_summary.shortfall import Shortfall

Legs = tuple[LegStatus, ...]


class Told(NamedTuple):
    """What is said of one answer.

    Attributes:
        legs: The status of each part; none where all is well.
        warnings: What a reader must know.
    """

    legs: Legs = ()
    warnings: tuple[str, ...] = ()

    def unseen(self, name: str, shown: int, total: int, what: str) -> Told:
        """Return the same for an answer to which only some of what passes was shown.

        Args:
            name: The retriever.
            shown: How many were shown.
            total: How many pass.
            what: What they are, such as "nodes"; the option that limits them is called after it.
        """
        if shown >= total:
            return self
        leg = LegStatus(f"{name}, {what} not shown", LegState.FAILED, note=f"more {what} than max_{what}")
        warning = (
            f"{name}: the model was shown the first {shown} of {total} {what} (max_{what}); filter further, raise "
            f"max_{what}, or have another mode find what it is shown"
        )
        return Told((*self.legs, leg), (*self.warnings, warning))

    def lacking(self, name: str, shortfall: Shortfall) -> Told:
        """Return the same for an answer behind which some summaries are not by the model."""
        if shortfall.error is None:
            return self
        note = f"in place of {shortfall.count} summaries stand sentences of the texts"
        leg = LegStatus(f"{name}, summaries", LegState.FAILED, error=shortfall.error, note=note)
        return Told((*self.legs, leg), self.warnings)

    def beside(self, name: str, hits: int) -> Legs:
        """Return the legs with one for what was found; none where nothing is wrong."""
        if not self.legs or self.legs[0].name == name:
            return self.legs
        return (LegStatus(name, LegState.OK if hits else LegState.EMPTY, hits), *self.legs)
