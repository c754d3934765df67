"""Asking a language model many prompts side by side, at most this many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from retrieverkit_core import budget
from retrieverkit_core.errors import BudgetExceededError, RetrieverKitError
from retrieverkit_core.services import LanguageModel, Prompt, Reply
from retrieverkit_core.side_by_side import in_tasks, in_threads

CONCURRENCY = 8
"""How many prompts of one call are asked at once."""

Keep = Callable[[Prompt, Reply], Reply]
"""Takes a reply the moment it comes, such as to store it, and returns what stands in its place."""


def _as_it_is(prompt: Prompt, reply: Reply) -> Reply:
    return reply


class _Answers:
    """The answers by the place of their prompts. Once the budget is spent nothing more is asked."""

    def __init__(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        self.prompts = prompts
        self._keep = keep
        self.given: list[Reply | RetrieverKitError | None] = [None] * len(prompts)
        self._spent: BudgetExceededError | None = None

    def ask(self, model: LanguageModel, at: int) -> None:
        if self._spent is not None:
            return
        try:
            prompt = self.prompts[at]
            self.given[at] = self._keep(prompt, model.ask(prompt))
        except RetrieverKitError as error:
            self._failed(at, error)

    async def aask(self, model: LanguageModel, at: int) -> None:
        if self._spent is not None:
            return
        try:
            prompt = self.prompts[at]
            self.given[at] = self._keep(prompt, await model.aask(prompt))
        except RetrieverKitError as error:
            self._failed(at, error)

    def waves(self) -> Iterator[range]:
        """Yield the places of the prompts, so many at once as the budget has calls left.

        So it is always the first prompts that are asked, and a recording of a run that ran out has them all.
        """
        start = 0
        while start < len(self.prompts) and self._spent is None:
            left = budget.left("llm_calls")
            wave = range(start, len(self.prompts))[: None if left is None else max(1, left)]
            yield wave
            start = wave.stop

    def _failed(self, at: int, error: RetrieverKitError) -> None:
        self.given[at] = error
        if isinstance(error, BudgetExceededError):
            self._spent = error

    def all(self) -> list[Reply | RetrieverKitError]:
        return [self._spent if given is None and self._spent is not None else _made(given) for given in self.given]


def _made(given: Reply | RetrieverKitError | None) -> Reply | RetrieverKitError:
    assert given is not None, "every prompt is asked unless the budget is spent"
    return given


def ask_all(
    model: LanguageModel, prompts: Sequence[Prompt], *, concurrency: int = CONCURRENCY, keep: Keep = _as_it_is
) -> list[Reply | RetrieverKitError]:
    """Return for each prompt the model's reply, or the error that came in its place.

    When the budget is spent, prompts that have not been asked are not; each has the `BudgetExceededError` in its place.
    What is not a `RetrieverKitError`, such as a defect of the model's code, is raised at once.

    Args:
        model: The model.
        prompts: What to ask.
        concurrency: At most this many are asked at once.
        keep: Takes each reply the moment it comes: a process that is killed then has paid for nothing twice. Its
            `RetrieverKitError` comes in the reply's place.
    """
    answers = _Answers(prompts, keep)
    for wave in answers.waves():
        calls: list[Callable[[], None]] = [partial(answers.ask, model, at) for at in wave]
        in_threads(calls, concurrency, may_raise=True)
    return answers.all()


async def aask_all(
    model: LanguageModel, prompts: Sequence[Prompt], *, concurrency: int = CONCURRENCY, keep: Keep = _as_it_is
) -> list[Reply | RetrieverKitError]:
    """As `ask_all`, without blocking the event loop; a caller that is cancelled cancels what is being asked."""
    answers = _Answers(prompts, keep)
    for wave in answers.waves():
        await in_tasks([partial(answers.aask, model, at) for at in wave], concurrency)
    return answers.all()
