"""What came of the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPECTED_FAILURE = "expected_failure"
    UNEXPECTED_PASS = "unexpected_pass"  # noqa: S105 - not a password


BAD = frozenset({Outcome.FAILED, Outcome.UNEXPECTED_PASS})
"""The outcomes that make a retriever not conform."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one check.

    Attributes:
        name: The check's name.
        outcome: How it ended.
        reason: What was wrong, why it was skipped or was expected to fail, or what a reader may want to know.
        seconds: How long it took.
        mend: How to mend what the check finds.
    """

    name: str
    outcome: Outcome
    reason: str
    seconds: float
    mend: str

    @property
    def ok(self) -> bool:
        """Whether the retriever conforms as far as this check goes."""
        return self.outcome not in BAD


class Report(list[CheckResult]):
    """The results of all checks, and what they were run on.

    Attributes:
        subject: The mode string, or the factory's name.
        mode: The mode, or an empty string for a plain retriever.
        distribution: The distribution that ships the mode, or an empty string.
        version: Its version, or an empty string.
        capabilities: What was declared.
        quick: Whether only the quick checks were run.
    """

    def __init__(
        self,
        results: Iterable[CheckResult] = (),
        *,
        subject: str = "",
        mode: str = "",
        distribution: str = "",
        version: str = "",
        capabilities: tuple[str, ...] = (),
        quick: bool = False,
    ) -> None:
        super().__init__(results)
        self.subject = subject
        self.mode = mode
        self.distribution = distribution
        self.version = version
        self.capabilities = capabilities
        self.quick = quick

    @property
    def ok(self) -> bool:
        """Whether every check is."""
        return all(result.ok for result in self)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended in which way."""
        found = Counter(result.outcome for result in self)
        return {outcome.value: found[outcome] for outcome in Outcome}

    def __str__(self) -> str:
        lines = [line for result in self if not result.ok for line in _told(result)]
        skipped = Counter(result.reason for result in self if result.outcome is Outcome.SKIPPED)
        lines += [f"{count} skipped: {reason}" for reason, count in skipped.most_common()]
        told = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items() if count)
        return "\n".join([*lines, f"{self.subject}: {told or 'nothing was checked'}"])


def _told(result: CheckResult) -> list[str]:
    head = f"{result.outcome:<16} {result.name}: {result.reason}"
    return [head, f"    To mend: {result.mend}"] if result.outcome is Outcome.FAILED else [head]
