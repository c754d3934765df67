"""`OpenAIModel`: asks an endpoint's language model."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

from pydantic import BaseModel

from retrieverkit_core import budget
from retrieverkit_core.errors import EndpointError, ModelAnswerError, shorten
from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import Prompt, Reply
from retrieverkit_llm.chat.answers import Said, in_shape, read_answer
from retrieverkit_llm.chat.habits import MEMORY, Habits, is_lasting
from retrieverkit_llm.chat.provider import OpenAIModelOptions
from retrieverkit_llm.chat.requests import Message, body_for, repair, tokens_read
from retrieverkit_llm.chat.shape import Shape
from retrieverkit_llm.chat.spending import Spending
from retrieverkit_llm.endpoint.endpoint import FIRST_WAIT, Around, Endpoint, RefusedError

MAX_BYTES = 8 * 2**20
"""The longest answer that is read."""

_PATH = "chat/completions"


class _Post(NamedTuple):
    """A request that is to be made, and what is done around each attempt."""

    body: dict[str, Any]
    around: Around


class OpenAIModel:
    """A `LanguageModel` behind an endpoint. Safe to share between threads, event loops and forks.

    Args:
        options: The endpoint, the model and how to ask.
        first_wait: Seconds before the second attempt, about.

    Raises:
        MissingServiceError: The environment variable with the key is not set, or holds no key.
    """

    def __init__(self, options: OpenAIModelOptions, *, first_wait: float = FIRST_WAIT) -> None:
        self._options = options
        self._endpoint = Endpoint(
            options.base_url,
            options.api_key_env,
            timeout=options.timeout,
            max_retries=options.max_retries,
            max_bytes=MAX_BYTES,
            max_concurrent=options.max_concurrent,
            first_wait=first_wait,
        )

    @property
    def name(self) -> str:
        """The model's name at the endpoint."""
        return self._options.model

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer, an instance of the prompt's schema if it has one.

        Raises:
            EndpointError: The endpoint did not answer, or refused to.
            ModelAnswerError: The model answered, but not in the shape, not to the end, or not at all.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        steps = self._steps(prompt)
        try:
            post = next(steps)
            while True:
                try:
                    body = self._endpoint.post(_PATH, post.body, post.around)
                except EndpointError as error:
                    post = steps.throw(error)
                else:
                    post = steps.send(body)
        except StopIteration as done:
            reply: Reply = done.value
            return reply

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop. A cancelled caller ends the request."""
        steps = self._steps(prompt)
        try:
            post = next(steps)
            while True:
                try:
                    body = await self._endpoint.apost(_PATH, post.body, post.around)
                except EndpointError as error:
                    post = steps.throw(error)
                else:
                    post = steps.send(body)
        except StopIteration as done:
            reply: Reply = done.value
            return reply

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        self._endpoint.close()

    def _steps(self, prompt: Prompt) -> Generator[_Post, bytes, Reply]:
        """Yield the requests of one question, be sent their answers, and return the reply."""
        spending = Spending()
        if prompt.schema is None:
            said = yield from self._said(prompt, None, [], spending)
            if not said.text.strip():
                raise ModelAnswerError(f"{self.name} answered with no words")
            return Reply(said.text, None, spending.usage)
        shape = Shape(prompt.schema)
        said = yield from self._said(prompt, shape, [], spending)
        try:
            text, answer = in_shape(said.text, shape.model)
        except ModelAnswerError as error:
            again = repair(said.text, error.message, shape)
            said = yield from self._said(prompt, shape, again, spending)
            text, answer = self._in_shape_at_last(said, shape)
        return Reply(text, answer, spending.usage)

    def _in_shape_at_last(self, said: Said, shape: Shape) -> tuple[str, BaseModel]:
        try:
            return in_shape(said.text, shape.model)
        except ModelAnswerError as error:
            raise ModelAnswerError(
                f"{self.name} was asked twice and did not answer in the shape of {shape.name}: {error.message}",
                answer=said.text,
                fix="try another model, or structured='prompt' or 'tool'",
            ) from None

    def _said(
        self, prompt: Prompt, shape: Shape | None, more: list[Message], spending: Spending
    ) -> Generator[_Post, bytes, Said]:
        """Return what the model said to one request, asked as the endpoint takes it."""
        habits, learnt = self._habits(), True
        while True:
            post, estimate, was_capped = self._post(prompt, shape, more, habits, spending)
            try:
                body = yield post
                break
            except RefusedError as error:
                again = self._asked_otherwise(error, post, habits)
                if again is None:
                    raise
                learnt = learnt and is_lasting(error)
                habits = again
        said = read_answer(body, self._options.base_url)
        spending.answered(said, (estimate, tokens_of(said.text)))
        if learnt:
            self._learn(habits)
        if said.problem:
            if said.was_cut and was_capped:
                budget.spend(tokens=(budget.left("tokens") or 0) + 1)  # which there is not: it was the budget that cut
            raise ModelAnswerError(f"{self.name}: {said.problem}", answer=said.text, fix=_fix(said))
        return said

    def _post(
        self, prompt: Prompt, shape: Shape | None, more: list[Message], habits: Habits, spending: Spending
    ) -> tuple[_Post, int, bool]:
        """Return a request, about how many tokens it has, and whether the budget limits its answer."""
        asked = prompt.settings.max_tokens
        body = body_for(self.name, prompt, shape, habits, more, asked)
        read = tokens_read(body, shape)
        left = spending.plan(read)
        was_capped = left is not None and (asked is None or left < asked)
        if was_capped:
            body = body_for(self.name, prompt, shape, habits, more, left)
        return _Post(body, spending.attempt), read, was_capped

    def _asked_otherwise(self, error: RefusedError, post: _Post, habits: Habits) -> Habits | None:
        again = habits.after(error, frozenset(post.body))
        if again is not None and again.way != habits.way and self._options.structured != "auto":
            error.fix = "structured='auto' asks for the shape in another way where an endpoint does not know one"
            return None
        return again

    def _habits(self) -> Habits:
        known = MEMORY.of(self._options.base_url, self.name)
        way = self._options.structured
        return known if way == "auto" else Habits(way, known.without, known.limit)

    def _learn(self, habits: Habits) -> None:
        known = MEMORY.of(self._options.base_url, self.name)
        if self._options.structured != "auto":
            habits = Habits(known.way, habits.without, habits.limit)
        if habits != known:
            MEMORY.learn(self._options.base_url, self.name, habits)

    def __repr__(self) -> str:
        return f"OpenAIModel({self._options.model!r}, {shorten(self._options.base_url, 200)!r})"


def _fix(said: Said) -> str:
    return "raise max_tokens, or ask for less" if said.was_cut else ""
