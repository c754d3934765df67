"""`Shortfall`: why some summaries behind one answer are not by the model."""

from __future__ import annotations

from collections.abc import Iterable

from retrieverkit_core import budget
from retrieverkit_core.errors import BudgetExceededError, RetrieverKitError


class Shortfall:
    """What the summaries behind one answer lack.

    Attributes:
        count: How many are sentences of the texts, in place of what the model did not say.
        error: What kept the first of them from being made, or None.
        heard: Whether there is one by the model.
    """

    def __init__(self) -> None:
        self.count = 0
        self.error: RetrieverKitError | None = None
        self.heard = False

    def note(self, attempted: Iterable[str | RetrieverKitError]) -> None:
        """Note summaries, and what stands in the place of those that could not be made.

        Raises:
            BudgetExceededError: The budget does not allow all of them, and the caller does not settle for part.
        """
        for said in attempted:
            if isinstance(said, str):
                self.heard = self.heard or bool(said.strip())
                continue
            if isinstance(said, BudgetExceededError) and not budget.settles_for_part():
                raise said
            self.count += 1
            self.error = self.error or said

    def raise_if_nothing_was_heard(self) -> None:
        """Raise the error of a model that has made no summary at all.

        Raises:
            ServiceError: The model cannot answer.
        """
        if self.error is not None and not self.heard and not isinstance(self.error, BudgetExceededError):
            raise self.error
