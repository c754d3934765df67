"""The legs of a fusion: what was set for each, and one question to one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import inf
from sys import getswitchinterval
from time import monotonic, perf_counter, thread_time
from types import TracebackType
from typing import Self, TypeVar

from retrieverkit_core import deadline
from retrieverkit_core.errors import BatchError, DeadlineExceededError
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import NO_FILTERS, LegState, LegStatus, RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_fusion.combining import Listing, Ranking
from retrieverkit_fusion.methods import NormalizerName
from retrieverkit_fusion.options import FusionSettings

T = TypeVar("T")
Listed = Callable[[RetrievalResult, Listing], Ranking]

_MARGIN = 0.1
"""The part of the time left, and the most seconds of it, that are kept for making the answer."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A retriever and how it is asked.

    Attributes:
        name: Its name in results, unlike that of every other leg.
        retriever: The retriever.
        weight: What it counts, in the unit of its user; with 0 it is not asked.
        candidates: How many hits it is asked for; None leaves it to the retriever.
        timeout: Seconds after which it is given up, or None.
        required: Whether there is no answer without it.
        normalizer: How its scores are normalised; None for the way of the method.
        min_score: What is left out once it is normalised: scores below this, or nothing where None.
    """

    name: str
    retriever: BaseRetriever
    weight: float
    candidates: int | None
    timeout: float | None
    required: bool
    normalizer: NormalizerName | None = None
    min_score: float | None = None


@dataclass(slots=True)
class Ask:
    """One query to one leg, and what came of it. As a context it takes the time and keeps the error.

    Attributes:
        leg: The leg.
        name: The leg's name, with the number of the query if it is not the caller's.
        query: The query; its ``top_k`` is the caller's.
        share: What the answer counts.
        until: When the leg must have answered, on the monotonic clock, or None.
        note: What a reader should know of the query.
        result: The answer, or None.
        error: Why there is none.
        milliseconds: How long it took.
        beside_others: Whether other legs may be asked at the same time.
        busy: Seconds that the leg would take if no other were asked at the same time.
    """

    leg: Leg
    name: str
    query: QueryBundle
    share: float
    until: float | None
    note: str = ""
    result: RetrievalResult | None = None
    error: BaseException | None = None
    milliseconds: float = 0.0
    beside_others: bool = True
    busy: float = 0.0
    _started: float = field(default=0.0, repr=False)
    _computed: float = field(default=0.0, repr=False)
    _rankings: dict[Listed, Ranking] = field(default_factory=dict, init=False, repr=False)

    def ask(self) -> None:
        """Ask the leg. Only a required leg's error is raised."""
        with self:
            self.result = self.leg.retriever.candidates(self.bundle())

    async def aask(self) -> None:
        """As `ask`, without blocking the event loop."""
        with self:
            self.result = await self.leg.retriever.acandidates(self.bundle())

    def read(self) -> None:
        """Read the nodes of what the leg found. What goes wrong is the leg's failure, as in `ask`."""
        self._rankings.clear()
        asked, found = self.milliseconds, self.result
        self.result = None
        with self:
            self.result = None if found is None else _read(found)
        self.milliseconds += asked

    def ranking(self, listed: Listed, listing: Listing) -> Ranking:
        """Return the leg's answer as a list, which is made once.

        Args:
            listed: How it is made, `by_ordinal` or `by_id`.
            listing: How it counts.
        """
        if listed not in self._rankings:
            assert self.result is not None
            self._rankings[listed] = listed(self.result, listing)
        return self._rankings[listed]

    def bundle(self, now: float | None = None) -> QueryBundle:
        """Return what the leg is asked: the query with its filters and scope, for candidates, within the time.

        Args:
            now: The time on the monotonic clock; the same for queries that are asked at once.

        Raises:
            DeadlineExceededError: There is no time left.
        """
        asked, leg = self.query, self.leg
        candidates = leg.candidates
        if candidates is not None:
            candidates = min(max(candidates, asked.top_k or 0), UNLIMITED)
        timeout = leg.timeout
        if self.until is not None:
            left = self.until - (monotonic() if now is None else now)
            if left <= 0.0:
                raise DeadlineExceededError(self.name, None)
            timeout = left if timeout is None else min(timeout, left)
        if timeout == asked.timeout:
            return asked.asking(candidates, asked.filters)
        return asked.replace(top_k=candidates, timeout=timeout)

    @property
    def status(self) -> LegStatus:
        """How the leg ended."""
        if self.result is None:
            late = isinstance(self.error, DeadlineExceededError)
            state = LegState.TIMEOUT if late else LegState.FAILED
            return LegStatus(self.name, state, 0, self.milliseconds, self.error, note=self.note)
        result = self.result
        state = LegState.OK if result else LegState.EMPTY
        notes = [self.note, *result.notes, "abstained" if result.abstained else ""]
        filters = None if result.filters is NO_FILTERS else result.filters
        note = "; ".join(filter(None, notes))
        inner = result.legs_of_its_own
        return LegStatus(self.name, state, len(result), self.milliseconds, legs=inner, note=note, filters=filters)

    def __enter__(self) -> Self:
        if self.beside_others:  # only then has time passed that was not its own; the clock costs microseconds
            self._computed = thread_time()
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        elapsed = perf_counter() - self._started
        self.milliseconds = elapsed * 1000
        self.busy = elapsed
        if self.beside_others:  # what it computed or, where that is more, waited for something far from here
            self.busy = max(thread_time() - self._computed, elapsed - getswitchinterval())
        if not isinstance(error, Exception):
            return False
        self.error = error
        return not self.leg.required


def _read(result: RetrievalResult) -> RetrievalResult:
    iter(result)
    return result


def ask_many(asks: Sequence[Ask]) -> None:
    """Ask one leg several queries at once; every error is kept, none is raised."""
    errors: dict[int, BaseException] = {}
    results: Sequence[RetrievalResult | None] = [None] * len(asks)
    started, now, until = perf_counter(), monotonic(), asks[0].until
    try:
        bundles = [ask.bundle(now) for ask in asks]
        with nullcontext() if until is None else deadline.limited(until - now):  # for all of them together
            results = asks[0].leg.retriever.candidates_many(bundles)
    except BatchError as error:
        results, errors = error.results, error.errors
    except Exception as error:
        errors = dict.fromkeys(range(len(asks)), error)
    elapsed = (perf_counter() - started) * 1000
    for at, (ask, result) in enumerate(zip(asks, results, strict=True)):
        ask.result, ask.error = result, errors.get(at)
        ask.milliseconds = elapsed if result is None else result.elapsed * 1000


def gained_by_threads(asks: Sequence[Ask]) -> float:
    """Return how many seconds sooner these legs would answer side by side, beside what the threads cost.

    That is known of legs that found by ordinals, as searches of indexes here do: what they wait for each other at the
    interpreter is not theirs. Of others it is infinite, and so it is where the time is limited: a leg must not take
    the time of the next.
    """
    for ask in asks:
        if ask.result is None or ask.result.found is None or ask.until is not None or ask.leg.timeout is not None:
            return inf
    times = [ask.busy for ask in asks]
    return sum(times) - max(times)


def answer_until() -> float | None:
    """Return when legs must have answered for the caller's deadline to be kept, or None if there is none."""
    left = deadline.remaining()
    return None if left is None else monotonic() + left - min(left * _MARGIN, _MARGIN)


def distinct_names(names: Sequence[str]) -> list[str]:
    """Return the names, the second ``bm25`` as ``bm25#2``."""
    taken: set[str] = set()
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        candidate = name if seen[name] == 1 else f"{name}#{seen[name]}"
        while candidate in taken:
            seen[name] += 1
            candidate = f"{name}#{seen[name]}"
        taken.add(candidate)
        distinct.append(candidate)
    return distinct


def make_legs(retrievers: Sequence[BaseRetriever], settings: FusionSettings) -> tuple[Leg, ...]:
    """Return the retrievers as legs with what is set for each."""
    count = len(retrievers)
    names = distinct_names([retriever.name for retriever in retrievers])
    weights = [1.0] * count if settings.weights is None else settings.weights
    candidates: list[int | None] = _for_each(settings.candidates, count)
    normalizers: list[NormalizerName | None] = _for_each(settings.normalizers, count)
    timeouts, required = _for_each(settings.timeouts, count), _for_each(settings.required, count)
    min_scores = _for_each(settings.min_score, count)
    each = zip(names, retrievers, weights, candidates, timeouts, required, normalizers, min_scores, strict=True)
    return tuple(Leg(*fields) for fields in each)


def _for_each(setting: T | Sequence[T], count: int) -> list[T]:
    """Return a setting for each of ``count`` legs: its own where several are given, else the one for all."""
    return list(setting) if isinstance(setting, Sequence) else [setting] * count
