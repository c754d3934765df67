"""What a language model makes of a query."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from pydantic import BaseModel, ConfigDict, Field

from retrieverkit_compose.transform.options import By
from retrieverkit_core import budget, deadline
from retrieverkit_core.errors import BudgetExceededError, DeadlineExceededError, ModelAnswerError, RetrieverKitError
from retrieverkit_core.plan import Plan, tokens_of
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus
from retrieverkit_core.services import LanguageModel, Prompt
from retrieverkit_core.threads import WORKERS

LEG = "rewriting"

PROMPTS: dict[By, str] = {
    "multi_query": "Write {count} other search queries that would find what the query in the message asks for, in its "
    "language and in words that it does not use. Each stands alone.",
    "decompose": "Write the simpler questions, at most {count}, that have to be answered one by one to answer the "
    "question in the message, in its language. Each stands alone and can be looked up by itself. If it is simple "
    "already, write none.",
    "hyde": "Write {count} short passages, in the language of the question in the message, such as could stand in a "
    "document that answers it. If you do not know the answer, write what it might be.",
}
"""What the model is told; ``{count}`` is how many texts are wanted. The query is a message of its own."""

_MAX_CHARS = {"multi_query": 1_000, "decompose": 1_000, "hyde": 8_000}
"""A longer text is none of what was asked for, and is left out."""

_TYPICAL_TOKENS = {"multi_query": 20, "decompose": 20, "hyde": 120}
_SHARE_OF_TIME = 0.5


class Texts(BaseModel):
    """The shape of the model's answer."""

    model_config = ConfigDict(extra="forbid")

    texts: list[str] = Field(description="The texts, each by itself.")


class Rewriting:
    """What a language model makes of one query. As a context it takes the time and keeps the model's error.

    Args:
        by: What is written.
        query: The caller's query.
        count: How many texts are wanted.
        prompt: What the model is told.
        required: Whether a failure is raised.

    Attributes:
        texts: What was written; none equals the query or another.
        status: What the result tells of it.
        words: What is rewritten; "" for a query without words, for which nobody is asked.
    """

    def __init__(self, by: By, query: QueryBundle, count: int, prompt: str, *, required: bool) -> None:
        self.texts: tuple[str, ...] = ()
        self.status = LegStatus(LEG, LegState.SKIPPED, note="the query has no words")
        self._by, self._count, self._required = by, count, required
        self.words = query.query_str.strip() or "\n".join(filter(str.strip, query.custom_embedding_strs or ()))
        self._prompt = Prompt(prompt.format(count=count), (self.words,), Texts)

    def plan(self, name: str, model: str) -> Plan:
        """Return what it would spend."""
        if not self.words:
            return Plan(name, "asks no model, as the query has no words")
        written = self._count * max(_TYPICAL_TOKENS[self._by], tokens_of(self.words))
        tokens = tokens_of(self._prompt.system, self.words) + written
        what = {"multi_query": "queries", "decompose": "questions", "hyde": "passages"}[self._by]
        return Plan(name, f"has {model} write up to {self._count} {what}", llm_calls=1, tokens=tokens)

    def ask(self, model: LanguageModel) -> None:
        """Ask the model. Half the time left is the most it gets.

        Raises:
            RetrieverKitError: It fails and is required, or the budget is to last for everything.
        """
        if not self.words:
            return
        with self._settled():
            limit = self._time_limit()
            reply = model.ask(self._prompt) if limit is None else WORKERS.submit(model.ask, self._prompt).result(limit)
            self.texts = self._cleaned(reply.parsed)

    async def aask(self, model: LanguageModel) -> None:
        """As `ask`, without blocking the event loop."""
        if not self.words:
            return
        with self._settled():
            async with asyncio.timeout(self._time_limit()):
                reply = await model.aask(self._prompt)
            self.texts = self._cleaned(reply.parsed)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        started = perf_counter()
        state = LegState.FAILED
        error: RetrieverKitError | None = None
        try:
            yield
            state = LegState.OK if self.texts else LegState.EMPTY
        except TimeoutError as late:
            state = LegState.TIMEOUT
            error = (
                late if isinstance(late, RetrieverKitError) else DeadlineExceededError(LEG, perf_counter() - started)
            )
        except RetrieverKitError as raised:
            error = raised
        milliseconds = (perf_counter() - started) * 1000
        spent = isinstance(error, BudgetExceededError) and not budget.settles_for_part()
        if error is not None and (self._required or spent):
            raise error
        note = "the question is simple already" if state is LegState.EMPTY else ""
        self.status = LegStatus(LEG, state, len(self.texts), milliseconds, error, note=note)

    def _cleaned(self, answer: object) -> tuple[str, ...]:
        """Return the texts that can be used.

        Raises:
            ModelAnswerError: There is none, though there must be.
        """
        if not isinstance(answer, Texts):
            raise ModelAnswerError("the model did not answer with texts", fix="use a model that keeps to a schema")
        known = {_folded(self.words)}
        texts = []
        for text in map(str.strip, answer.texts):
            if text and len(text) <= _MAX_CHARS[self._by] and _folded(text) not in known:
                known.add(_folded(text))
                texts.append(text)
        if not texts and not (self._by == "decompose" and not answer.texts):
            raise ModelAnswerError("the model wrote nothing but the query itself", answer=answer.model_dump_json())
        return tuple(texts[: self._count])

    def _time_limit(self) -> float | None:
        left = deadline.remaining()
        return left if left is None or self._required else left * _SHARE_OF_TIME


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
