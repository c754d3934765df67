"""More queries from a language model, beside the caller's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from retrieverkit_core import deadline
from retrieverkit_core.errors import DeadlineExceededError
from retrieverkit_core.plan import Plan, tokens_of
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus
from retrieverkit_core.services import LanguageModel, Prompt
from retrieverkit_core.threads import WORKERS

LEG = "query expansion"
MAX_CHARS = 1000
"""A longer line is not a query and is left out."""

PROMPT = (
    "Write {count} other search queries that would find what the query in the message asks for, "
    "in its language, one on each line and nothing else."
)
"""What the model is told; ``{count}`` is how many queries are wanted. The query is a message of its own."""

_LEAST = 10
"""Tokens that a generated query has at least, for a plan."""

_SHARE_OF_TIME = 0.5
_BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,3}[.)])\s+")
_QUOTES = "\"'`“”„«»"


class Expansion:
    """What a language model made of one query. As a context it takes the time and keeps the model's error.

    Args:
        query: The caller's query.
        count: How many queries are wanted.
        prompt: What the model is told, as `PROMPT`.

    Attributes:
        queries: The generated queries; none equals the caller's or another.
        status: What the result tells of it.
    """

    def __init__(self, query: QueryBundle, count: int, prompt: str = PROMPT) -> None:
        self.queries: tuple[str, ...] = ()
        self.status = LegStatus(LEG, LegState.SKIPPED, note="the query has no words")
        self._words = query.query_str
        self._count = count
        self._prompt = Prompt(system=prompt.format(count=count), data=(self._words,))

    def plan(self) -> Plan | None:
        """Return what it would spend, or None where the model is not asked."""
        if not self._words.strip():
            return None
        tokens = tokens_of(self._prompt.system, *self._prompt.data) + self._count * max(tokens_of(self._words), _LEAST)
        queries = "1 more query" if self._count == 1 else f"{self._count} more queries"
        return Plan(LEG, f"has the model write {queries}", llm_calls=1, tokens=tokens)

    def ask(self, model: LanguageModel) -> None:
        """Ask the model; a failure is kept in the status, never raised. Half the time left is the most it gets."""
        if not self._words.strip():
            return
        with self._settled():
            limit = _time_limit()
            if limit is None:
                reply = model.ask(self._prompt)
            else:
                reply = WORKERS.submit(model.ask, self._prompt).result(timeout=limit)
            self.queries = cleaned(reply.text, self._words, self._count)

    async def aask(self, model: LanguageModel) -> None:
        """As `ask`, without blocking the event loop."""
        if not self._words.strip():
            return
        import asyncio

        with self._settled():
            async with asyncio.timeout(_time_limit()):
                reply = await model.aask(self._prompt)
            self.queries = cleaned(reply.text, self._words, self._count)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        started = perf_counter()
        error: BaseException | None = None
        state = LegState.FAILED
        try:
            yield
            state = LegState.OK if self.queries else LegState.EMPTY
        except TimeoutError as late:
            state, error = LegState.TIMEOUT, late if str(late) else DeadlineExceededError(LEG, perf_counter() - started)
        except (Exception, SystemExit) as raised:
            error = raised
        elapsed = (perf_counter() - started) * 1000
        self.status = LegStatus(LEG, state, len(self.queries), elapsed, error, note="; ".join(self.queries))


def cleaned(answer: str, original: str, count: int) -> tuple[str, ...]:
    """Return the queries in a model's answer.

    Numbering, bullets and quotes around a line are taken off; blank and overlong lines, code fences, lines that only
    introduce (they end with a colon), and what repeats the original or an earlier line are left out.

    Args:
        answer: The model's answer, one query per line.
        original: The caller's query.
        count: At most this many queries.
    """
    seen = {_folded(original)}
    queries: list[str] = []
    for line in answer.splitlines():
        query = _BULLET.sub("", line).strip().strip(_QUOTES).strip()
        folded = _folded(query)
        if not query or len(query) > MAX_CHARS or line.lstrip().startswith("```") or query.endswith(":"):
            continue
        if folded not in seen and len(queries) < count:
            seen.add(folded)
            queries.append(query)
    return tuple(queries)


def _time_limit() -> float | None:
    left = deadline.remaining()
    return None if left is None else left * _SHARE_OF_TIME


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
