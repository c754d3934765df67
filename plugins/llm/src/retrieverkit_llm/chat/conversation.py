"""`Conversation`: how a model is brought to answer, whatever protocol it speaks and however it is called.

The steps are a generator without I/O, so that sync and async callers and every protocol take the same ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator

from pydantic import BaseModel

from retrieverkit_core import budget
from retrieverkit_core.errors import ModelAnswerError, ServiceError
from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import Prompt, Reply
from retrieverkit_llm.chat.answers import Said, in_shape
from retrieverkit_llm.chat.habits import MEMORY, Habits, Structured, Way, is_lasting
from retrieverkit_llm.chat.shape import Shape
from retrieverkit_llm.chat.spending import Spending
from retrieverkit_llm.chat.turns import Repair, Turn
from retrieverkit_llm.endpoint.refused import RefusedError

Steps = Generator[Turn, Said, Reply]


class Conversation:
    """Brings one model to answer prompts: in the shape, within the budget, by what it takes.

    Args:
        place: Where the model is, such as the endpoint's URL; with its name it tells models apart.
        name: The model's name.
        structured: The way to ask for a shape, or ``"auto"``.
        first_way: The way that is tried first where the way is not set and nothing is known.
    """

    def __init__(self, place: str, name: str, structured: Structured, first_way: Way = "json_schema") -> None:
        self._place = place
        self._name = name
        self._structured = structured
        self._first_way = first_way

    def run(self, prompt: Prompt, take: Callable[[Turn], Said]) -> Reply:
        """Return the reply to ``prompt``; ``take`` makes the requests."""
        steps = self._steps(prompt)
        try:
            turn = next(steps)
            while True:
                try:
                    said = take(turn)
                except ServiceError as error:
                    turn = steps.throw(error)
                else:
                    turn = steps.send(said)
        except StopIteration as done:
            reply: Reply = done.value
            return reply

    async def arun(self, prompt: Prompt, take: Callable[[Turn], Awaitable[Said]]) -> Reply:
        """As `run`, for what is awaited."""
        steps = self._steps(prompt)
        try:
            turn = next(steps)
            while True:
                try:
                    said = await take(turn)
                except ServiceError as error:
                    turn = steps.throw(error)
                else:
                    turn = steps.send(said)
        except StopIteration as done:
            reply: Reply = done.value
            return reply

    def _steps(self, prompt: Prompt) -> Steps:
        """Yield the requests of one prompt, be sent what the model says to each, and return the reply."""
        spending = Spending()
        if prompt.schema is None:
            said = yield from self._said(prompt, None, None, spending)
            if not said.text.strip():
                raise ModelAnswerError(f"{self._name} answered with no words")
            return Reply(said.text, None, spending.usage)
        shape = Shape(prompt.schema)
        said = yield from self._said(prompt, shape, None, spending)
        try:
            text, answer = in_shape(said.text, shape.model)
        except ModelAnswerError as error:
            repair = Repair.of(said.text, error.message, shape)
            said = yield from self._said(prompt, shape, repair, spending)
            text, answer = self._in_shape_at_last(said, shape)
        return Reply(text, answer, spending.usage)

    def _in_shape_at_last(self, said: Said, shape: Shape) -> tuple[str, BaseModel]:
        try:
            return in_shape(said.text, shape.model)
        except ModelAnswerError as error:
            raise ModelAnswerError(
                f"{self._name} was asked twice and did not answer in the shape of {shape.name}: {error.message}",
                answer=said.text,
                fix="try another model, or structured='prompt' or 'tool'",
            ) from None

    def _said(
        self, prompt: Prompt, shape: Shape | None, repair: Repair | None, spending: Spending
    ) -> Generator[Turn, Said, Said]:
        """Return what the model said to one request, asked in the way that it takes."""
        habits, lasting = self._habits(), True
        while True:
            turn, was_capped = _turn(prompt, shape, habits, repair, spending)
            try:
                said = yield turn
                break
            except RefusedError as error:
                again = self._asked_otherwise(error, turn)
                if again is None:
                    raise
                lasting = lasting and is_lasting(error)
                habits = again
        spending.answered(said, (turn.tokens, tokens_of(said.text)))
        if lasting:
            self._learn(habits)
        if said.problem:
            if said.was_cut and was_capped:
                budget.spend(tokens=(budget.left("tokens") or 0) + 1)  # which there is not: it was the budget that cut
            fix = "raise max_tokens, or ask for less" if said.was_cut else ""
            raise ModelAnswerError(f"{self._name}: {said.problem}", answer=said.text, fix=fix)
        return said

    def _asked_otherwise(self, error: RefusedError, turn: Turn) -> Habits | None:
        again = turn.habits.after(error, turn.sent)
        if again is not None and again.way != turn.habits.way and self._structured != "auto":
            error.fix = "structured='auto' asks for the shape in another way where an endpoint does not know one"
            return None
        return again

    def _habits(self) -> Habits:
        known = MEMORY.of(self._place, self._name) or Habits(self._first_way)
        return known if self._structured == "auto" else Habits(self._structured, known.without, known.limit)

    def _learn(self, habits: Habits) -> None:
        known = MEMORY.of(self._place, self._name) or Habits(self._first_way)
        if self._structured != "auto":
            habits = Habits(known.way, habits.without, habits.limit)
        if habits != known:
            MEMORY.learn(self._place, self._name, habits)


def _turn(
    prompt: Prompt, shape: Shape | None, habits: Habits, repair: Repair | None, spending: Spending
) -> tuple[Turn, bool]:
    """Return a request, and whether the budget limits its answer to less than was asked for."""
    asked = prompt.settings.max_tokens
    turn = Turn(prompt, shape, habits, spending.attempt, repair, asked)
    left = spending.plan(turn.tokens)
    if left is None or (asked is not None and asked <= left):
        return turn, False
    return Turn(prompt, shape, habits, spending.attempt, repair, left), True
