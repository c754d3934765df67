"""What came of choosing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.result import LegState, LegStatus


class Chosen(NamedTuple):
    """A text that was chosen.

    Attributes:
        position: Its place among the texts that were given, from 0.
        grade: How relevant the model finds it, from 1 to 10.
    """

    position: int
    grade: float


class Failed(NamedTuple):
    """Texts that one error kept from being judged.

    Attributes:
        positions: Their places among the texts that were given.
        error: The error.
    """

    positions: range
    error: RetrieverKitError


class Cost(NamedTuple):
    """What choosing costs where nothing fails and every text is chosen.

    Attributes:
        llm_calls: Times that the model is asked.
        tokens: About how many tokens it reads and writes.
    """

    llm_calls: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What a model chose among texts. Nothing chosen and nothing failed: the model found nothing relevant.

    Attributes:
        chosen: What was chosen, the highest grade first; of one grade what was given first.
        failed: What was not judged, and why.
        suspect: The places of the texts of each batch in which the model chose a text that was made up.
    """

    chosen: tuple[Chosen, ...] = ()
    failed: tuple[Failed, ...] = ()
    suspect: tuple[range, ...] = ()

    def legs(self, name: str) -> tuple[LegStatus, ...]:
        """Return the legs that make a result partial where something failed; none where nothing did.

        Args:
            name: The retriever.
        """
        if not self.failed:
            return ()
        judged = LegStatus(name, LegState.OK if self.chosen else LegState.EMPTY, len(self.chosen))
        return (judged, *(_failed_leg(name, failed) for failed in self.failed))

    def warnings(self, name: str) -> tuple[str, ...]:
        """Return what a reader of the result must know.

        Args:
            name: The retriever.
        """
        if not self.suspect:
            return ()
        where = ", ".join(_places(positions) for positions in self.suspect)
        return (
            f"{name}: suspect: the model also chose a text that was made up and is not about the query; what is shown "
            f"at {where} may have told it what to choose",
        )


def _failed_leg(name: str, failed: Failed) -> LegStatus:
    return LegStatus(
        f"{name}, {_places(failed.positions)}", LegState.FAILED, error=failed.error, note="not judged by the model"
    )


def _places(positions: range) -> str:
    first, last = positions[0] + 1, positions[-1] + 1
    return f"place {first}" if first == last else f"places {first} to {last}"
