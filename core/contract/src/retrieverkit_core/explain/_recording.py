"""Recording what stages do, in the call itself: only when somebody asked.

While nobody has asked, `recording` returns None and a `stage` does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar, Token
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from retrieverkit_core.explain._codes import Code, Status
from retrieverkit_core.found import Found
from retrieverkit_core.hits import NodeWithScore

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.explain._explanation import Explanation
    from retrieverkit_core.explain._scores import Score
    from retrieverkit_core.nodes import Node
    from retrieverkit_core.query import QueryBundle
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever._base import BaseRetriever

Key = str | int
"""What a node is known by while it is recorded: its id, or its ordinal in a corpus."""

Seen = Sequence[NodeWithScore] | Found | Sequence[str]
"""What a stage was given or gave, best first: hits, what was found by ordinals, or ids alone."""


class Row(NamedTuple):
    """A node as a stage saw it."""

    key: Key
    score: float | None
    corpus: Corpus | None
    node: Node | None


class Step:
    """What one stage does, being recorded.

    Attributes:
        name: The stage.
        code: What `why_not` says of a node that the stage lost.
        came: What came in, or None where the stage finds nodes itself.
        out: What went out, best first.
        below: What it had beneath its cut, best first.
        scores: What the scores were made from.
        into: What stands for a node that was lost, by the node's key.
        status: What became of it.
        error: What went wrong.
        note: What a reader should know.
        milliseconds: How long it took.
    """

    def __init__(self, name: str, code: Code = Code.RERANKED_OUT, came: Seen | None = None) -> None:
        self.name = name
        self.code = code
        self.came = None if came is None else rows_of(came)
        self.out: list[Row] = []
        self.below: list[Row] = []
        self.scores: dict[Key, Score] = {}
        self.into: dict[Key, str] = {}
        self.status = Status.APPLIED
        self.error: BaseException | None = None
        self.note = ""
        self.milliseconds = 0.0

    def __bool__(self) -> bool:
        return True

    def went(self, out: Seen, below: Seen = ()) -> None:
        """Say what went out and, where the stage has it, what it had beneath its cut.

        Args:
            out: What went out, best first. What came in and is not in it was lost here.
            below: What would have gone out next, best first, with the scores it got here.
        """
        self.out, self.below = rows_of(out), rows_of(below)

    def scored(self, key: Key, score: Score) -> None:
        """Say what the score of one node was made from.

        Args:
            key: The id of the node, or its ordinal where the stage knows that.
            score: The parts; the value is the score with which the node went out.
        """
        self.scores[key] = score

    def replaced(self, key: Key, by: str) -> None:
        """Say that another node stands for one that was lost here.

        Args:
            key: The id or the ordinal of the node that was lost.
            by: The id of the other.
        """
        self.into[key] = by

    def says(self, status: Status | str, note: str = "", error: BaseException | None = None) -> None:
        """Say what became of the stage, and what a reader should know of it."""
        self.status, self.error = Status(status), error
        self.note = note or self.note


class _Silent(Step):
    """A stage of which nobody wants to know anything."""

    def __init__(self) -> None:
        super().__init__("")

    def __bool__(self) -> bool:
        return False

    def went(self, out: Seen, below: Seen = ()) -> None:
        """Do nothing."""

    def scored(self, key: Key, score: Score) -> None:
        """Do nothing."""

    def replaced(self, key: Key, by: str) -> None:
        """Do nothing."""

    def says(self, status: Status | str, note: str = "", error: BaseException | None = None) -> None:
        """Do nothing."""


_SILENT = _Silent()


class Recording:
    """What one retrieval did: its stages, and the retrievals of its legs.

    As a context it is the one that stages report to, in the threads that work for it too.

    Attributes:
        name: The retriever's name, or that of the leg it was asked as.
        retriever: The retriever.
        query: What it was asked.
        legs: What it asked, in order.
        steps: Its stages, in order.
        out: What it returned, best first.
        status: How it ended.
        error: Why it failed.
        note: What a reader should know.
        milliseconds: How long it took.
        entered: Whether an index node led to it.
        ended: Whether it has; a leg that is given up may still run.
    """

    def __init__(self, retriever: BaseRetriever, query: QueryBundle) -> None:
        self.name = retriever.name
        self.retriever = retriever
        self.query = query
        self.legs: list[Recording] = []
        self.steps: list[Step] = []
        self.out: list[Row] = []
        self.status = Status.APPLIED
        self.error: BaseException | None = None
        self.note = ""
        self.milliseconds = 0.0
        self.entered = False
        self.ended = False
        self.parent: Recording | None = None
        self._token: Token[Recording | None]
        self._started = 0.0
        self._asked_at = 0.0

    # By core, around and in a retrieval

    def __enter__(self) -> Self:
        self.parent = _current.get()
        if self.parent is not None:
            self.parent.legs.append(self)
        self._token = _current.set(self)
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if error is not None:
            self.milliseconds = (perf_counter() - self._started) * 1000
            self.status, self.error, self.ended = Status.FAILED, error, True

    def settle(self, result: RetrievalResult) -> RetrievalResult:
        """Take what was returned. What the caller of all of it gets is explained now, while all is as it was."""
        self.take(result)
        self.milliseconds = (perf_counter() - self._started) * 1000
        result._explained = self
        if self.parent is None:
            result._explained = self.explanation()
        return result

    def take(self, result: RetrievalResult) -> None:
        """Take what was returned."""
        self.ended = True
        self.out = rows_of(result if result.found is None else result.found)

    def explanation(self) -> Explanation:
        """Return what was recorded, for readers."""
        from retrieverkit_core.explain._building import explained

        return explained(self)

    def restart(self) -> None:
        """Forget what was tried before: the author is asked again, and only what led to the answer is told."""
        self.steps.clear()
        self.legs = [leg for leg in self.legs if leg.entered]
        self._asked_at = perf_counter()

    def answered(self, found: Seen) -> None:
        """Take what the author's code found; where it has said nothing of itself, it is one stage."""
        if self.steps:
            return
        legs = [leg for leg in self.legs if not leg.entered]
        if not legs:
            self.searched().went(found)
            return
        step = self.step("combine")
        step.came = [row for leg in legs for row in leg.out]
        step.went(found)

    def cut(self, came: Seen, limit: int) -> None:
        """Take the cut to the limit of the query."""
        rows = rows_of(came)
        step = self.step("cut", Code.CUT_BY_TOP_K)
        step.came, step.out, step.below = rows, rows[:limit], rows[limit:]

    def entered_since(self, count: int) -> None:
        """Mark the legs from place ``count`` on as entered by way of index nodes."""
        for leg in self.legs[count:]:
            leg.entered = True

    # By authors

    def step(self, name: str, code: Code = Code.RERANKED_OUT, came: Seen | None = None) -> Step:
        """Record a stage and return it."""
        step = Step(name, code, came)
        self.steps.append(step)
        return step

    def searched(self) -> Step:
        """Record that the author's code has searched just now, and return the stage."""
        step = self.step("search", Code.BELOW_LEG_CUT)
        step.milliseconds = (perf_counter() - self._asked_at) * 1000
        return step

    def skipped(self, name: str, note: str) -> None:
        """Record a leg that was not asked."""
        leg = Recording(self.retriever, self.query)
        leg.name, leg.status, leg.note, leg.ended = name, Status.SKIPPED, note, True
        self.legs.append(leg)

    def legs_are(self, legs: Iterable[tuple[str, RetrievalResult | None, BaseException | None]]) -> None:
        """Name the legs that the answer is made of, in order; what else was asked on the way is forgotten.

        Args:
            legs: The name of each leg, with its result, or with the error that it failed with.
        """
        entered = [leg for leg in self.legs if leg.entered]
        asked = self.legs
        self.legs = []
        for name, result, error in legs:
            own = result._explained if result is not None else next((leg for leg in asked if leg.error is error), None)
            if not isinstance(own, Recording):
                own = Recording(self.retriever, self.query)
                own.status, own.error, own.ended = Status.FAILED, error, True
            own.name = name
            self.legs.append(own)
        self.legs += entered


_current: ContextVar[Recording | None] = ContextVar("retrieverkit_explain", default=None)


def recording() -> Recording | None:
    """Return what the running retrieval is recorded in; None unless somebody asked for it to be explained."""
    return _current.get()


class stage:
    """Record a stage of a retriever for ``explain`` and `why_not`, as a context around its work.

    It takes the time; what is raised in the block becomes its error. While nobody asks for an explanation it does
    nothing, and what it yields is false::

        with explain.stage("recency", came=hits) as stage:
            ranked = sorted(hits, key=self.age)
            stage.went(ranked[:limit], below=ranked[limit:])

    Args:
        name: The stage.
        came: What came in, best first: hits, `Found`, or ids. None where the stage finds nodes itself.
        code: What `why_not` says of a node that the stage lost.
    """

    __slots__ = ("_came", "_code", "_name", "_started", "_step")

    def __init__(self, name: str, came: Seen | None = None, code: Code = Code.RERANKED_OUT) -> None:
        self._name, self._came, self._code = name, came, code

    def __enter__(self) -> Step:
        running = _current.get()
        if running is None:
            self._step: Step = _SILENT
            return _SILENT
        self._step = running.step(self._name, self._code, self._came)
        self._started = perf_counter()
        return self._step

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._step:
            return
        self._step.milliseconds = (perf_counter() - self._started) * 1000
        if error is not None:
            self._step.says(Status.FAILED, error=error)


class unrecorded:
    """Run the block as if nobody had asked for an explanation."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _current.set(None)

    def __exit__(self, *exception: object) -> None:
        _current.reset(self._token)


def rows_of(seen: Seen) -> list[Row]:
    """Return what a stage saw, as rows."""
    if isinstance(seen, Found):
        return [Row(ordinal, score, seen.corpus, None) for ordinal, score in seen.pairs]
    return [
        Row(each, None, None, None) if isinstance(each, str) else Row(each.node.id, each.score, None, each.node)
        for each in seen
    ]
