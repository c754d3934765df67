"""Why a node is not among the hits: the first stage that lost it, and what would have kept it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from retrieverkit_core import budget
from retrieverkit_core.errors import (
    BudgetExceededError,
    ConfigError,
    DeadlineExceededError,
    FilterError,
    QueryError,
    RetrieverKitError,
    shorten,
)
from retrieverkit_core.explain._building import Telling
from retrieverkit_core.explain._codes import Code, Status
from retrieverkit_core.explain._recording import Recording, Step, unrecorded
from retrieverkit_core.filters import FilterCondition, MetadataFilters, filterable
from retrieverkit_core.nodes import IndexNode, Node
from retrieverkit_core.query import UNLIMITED, QueryBundle

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_core.filters import MetadataFilter
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever._base import BaseRetriever

V = TypeVar("V")

MAX_TRIED = 300
"""How many retrievals at most are made to find what would have kept a node."""

FEW = 6
"""How many where a retriever does not say what it spends."""

_READ_AT_ONCE = 2000
_FACTORS = (1, 2, 4, 16)

_CALLERS = (QueryError, FilterError, ConfigError, DeadlineExceededError, BudgetExceededError)
"""What is the caller's to mend, and no stage's."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change to settings with which the node is among the hits: it was tried.

    Attributes:
        options: The options of a mode that change, with their values.
        text: The change in words.
        leg: Whose options they are, by its way from the top, such as ``"fusion/bm25"``; "" for the retriever itself.
        top_k: The ``top_k`` that the query needs with it, or None where it stays as it is.
    """

    options: dict[str, Any]
    text: str
    leg: str = ""
    top_k: int | None = None

    def below(self, leg: str) -> Change:
        """Return the change as one of a leg's."""
        return replace(self, leg=f"{leg}/{self.leg}" if self.leg else leg)

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        return {"leg": self.leg, "options": self.options, "top_k": self.top_k, "text": self.text}


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a node is not among the hits.

    Attributes:
        node_id: The node's id.
        code: The reason, of a closed list.
        stage: The stage that lost it, by its way from the top, such as ``"bm25/search"``; "" where no stage saw it.
        text: The reason in words.
        would: What would have kept it. Each was tried and found to bring it in.
    """

    node_id: str
    code: Code
    stage: str = ""
    text: str = ""
    would: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        return {
            "node_id": self.node_id,
            "code": self.code.value,
            "stage": self.stage,
            "text": self.text,
            "would": [change.as_dict() for change in self.would],
        }

    def __str__(self) -> str:
        return f"{self.code.value}: {self.text}"


class Sought:
    """A node that is looked for, and how to see whether a changed retriever returns it.

    Args:
        node_id: The node's id.
        query: What is asked of the retriever whose settings are changed.
        enters: Returns whether the whole returns the node if that retriever is another.
        tries: How many retrievals may still be made, and until when.
    """

    def __init__(self, node_id: str, query: QueryBundle, enters: Callable[[BaseRetriever], bool], tries: Tries) -> None:
        self.node_id = node_id
        self.query = query
        self.enters = enters
        self._tries = tries

    def within(self, query: QueryBundle, around: Callable[[BaseRetriever], BaseRetriever]) -> Sought:
        """Return the same search, for changes to a leg.

        Args:
            query: What the leg is asked.
            around: Returns the composite with another retriever in the leg's place.
        """
        return Sought(self.node_id, query, lambda leg: self.enters(around(leg)), self._tries)

    def rank(self, retriever: BaseRetriever, query: QueryBundle) -> int | None:
        """Return the node's rank among everything that a retriever finds, None where it does not find it."""
        return self._tries.rank(retriever, query, self.node_id)


def least(values: Iterable[V], enters: Callable[[V], bool]) -> tuple[V, bool] | None:
    """Return the first value that works, and whether all after it work too; None where none does."""
    found: list[V] = []
    rest = True
    for value in values:
        if not found:
            if enters(value):
                found.append(value)
        elif not enters(value):
            rest = False
            break
    return (found[0], rest) if found else None


def why_not(retriever: BaseRetriever, query: QueryBundle, node_id: str) -> WhyNot:
    """Return why a node is not among the hits; see `BaseRetriever.why_not`."""
    until = None if query.timeout is None else monotonic() + query.timeout
    with unrecorded(), budget.limited(query.budget):
        asked = query.replace(budget=None, explain=True)
        recording, answered = _recorded(retriever, asked)
        place = Telling(recording).places(recording).get(node_id)
        if place is not None:
            return WhyNot(node_id, Code.RETURNED, text=f"it is hit {place[0]}")
        node, known = _looked_up(retriever, node_id)
        if node is not None and query.scope is not None and not query.scope.matches(filterable(node)):
            node = None  # the same is told of it as of one that is nowhere
        if node is None and known:
            return _not_indexed(node_id)
        tries = Tries(until, _tries_of(retriever, query))
        return _Search(retriever, asked, node_id, node, recording, tries).verdict(answered)


def _not_indexed(node_id: str) -> WhyNot:
    return WhyNot(node_id, Code.NOT_INDEXED, text=f"nothing that is searched holds {shorten(repr(node_id))}")


def _recorded(retriever: BaseRetriever, query: QueryBundle) -> tuple[Recording, bool]:
    """Return what was recorded of a call, and whether it had an answer."""
    from retrieverkit_core.retriever._driving import retrieve_plainly

    recording = Recording(retriever, query)
    try:
        with recording:
            recording.take(retrieve_plainly(retriever, query))
    except _CALLERS:
        raise
    except RetrieverKitError:
        return recording, False
    return recording, True


def _looked_up(retriever: BaseRetriever, node_id: str) -> tuple[Node | None, bool]:
    """Return the node, and whether all that is searched was looked through."""
    corpora: dict[int, Corpus] = {}
    whole = _gather(retriever, corpora)
    for corpus in corpora.values():
        (node,) = corpus.get([node_id])
        if node is not None:
            return node, whole
    return None, whole


def _gather(retriever: BaseRetriever, corpora: dict[int, Corpus]) -> bool:
    """Add the corpora that a retriever searches; return whether these are all that it finds in."""
    legs = retriever.sub_retrievers
    if retriever.searched_corpus is not None:
        corpora[id(retriever.searched_corpus)] = retriever.searched_corpus
    known = [_gather(leg, corpora) for leg in legs]
    return not retriever._object_map and all(known) and (bool(legs) or retriever.searched_corpus is not None)


class Tries:
    """Retrievals that are made to see what they find: so many, and until the caller's deadline.

    Args:
        until: When to stop, on the monotonic clock, or None.
        left: How many may be made.
    """

    def __init__(self, until: float | None, left: int) -> None:
        self._until = until
        self._left = left

    def finds(self, retriever: BaseRetriever, query: QueryBundle, node_id: str) -> bool:
        """Return whether a retriever returns the node. What goes wrong finds nothing."""
        with _tried():
            return any(hit.node.id == node_id for hit in retriever.retrieve(self._limited(query)))
        return False

    def rank(self, retriever: BaseRetriever, query: QueryBundle, node_id: str) -> int | None:
        """Return the node's rank among everything that a retriever finds."""
        with _tried():
            result = retriever.candidates(self._limited(query.replace(top_k=UNLIMITED)))
            return next((rank for rank, found in enumerate(_ids(result), 1) if found == node_id), None)
        return None

    def _limited(self, query: QueryBundle) -> QueryBundle:
        """Return the query without what is done once for all tries.

        Raises:
            OutOfTries: There were too many, or there is no time left.
        """
        left = None if self._until is None else self._until - monotonic()
        self._left -= 1
        if self._left < 0 or (left is not None and left <= 0):
            raise OutOfTries
        return query.replace(timeout=left, budget=None, explain=False)


class OutOfTries(Exception):
    """Ends a search for what would have kept a node; what was found before stands."""


@contextmanager
def _tried() -> Iterator[None]:
    try:
        yield
    except (DeadlineExceededError, BudgetExceededError):
        raise OutOfTries from None
    except RetrieverKitError:
        pass


def _ids(result: RetrievalResult) -> Iterator[str | None]:
    found = result.found
    if found is None or found.corpus is None:
        yield from (hit.node.id for hit in result)
        return
    for at in range(0, len(found.pairs), _READ_AT_ONCE):
        ordinals = [ordinal for ordinal, _ in found.pairs[at : at + _READ_AT_ONCE]]
        yield from (None if node is None else node.id for node in found.corpus.fetch(ordinals))


class _Loss(NamedTuple):
    """Where a node was lost.

    Attributes:
        code: The reason.
        stage: The stage, by its way from the top.
        text: The reason in words.
        rank: The node's rank in what the stage, or the leg, finds, where it is known.
    """

    code: Code
    stage: str
    text: str
    rank: int | None = None


class _Search:
    """The search for the stage that lost a node, in one recording."""

    def __init__(
        self,
        retriever: BaseRetriever,
        query: QueryBundle,
        node_id: str,
        node: Node | None,
        recording: Recording,
        tries: Tries,
    ) -> None:
        self._retriever = retriever
        self._query = query
        self._id = node_id
        self._node = node
        self._recording = recording
        self._telling = Telling(recording)
        self._tries = tries
        self._seen = False
        self._looked = True

    def verdict(self, answered: bool) -> WhyNot:
        """Return the reason.

        Args:
            answered: Whether the retriever had an answer at all.
        """
        if self._node is not None and (clause := self._clause(self._query.filters)):
            return WhyNot(self._id, Code.FILTERED, self._recording.name, f"the filters exclude it: {clause}")
        if not answered:
            error = self._recording.error
            said = shorten(getattr(error, "message", error), 300)
            return WhyNot(self._id, Code.LEG_FAILED, self._recording.name, f"the retriever failed: {said}")
        loss = self._lost_in(self._recording, "")
        if self._node is None and not self._seen:
            return _not_indexed(self._id)
        would = self._would(loss)
        text = loss.text
        if would:
            text = f"{text}; enters at {' or '.join(change.text for change in would)}"
        if changed := self._changed():
            text = f"{shorten(changed, 200)} has changed since it was read; as it was: {text}"
            return WhyNot(self._id, Code.STALE, loss.stage, text, would)
        return WhyNot(self._id, loss.code, loss.stage, text, would)

    def _changed(self) -> str:
        """Return the file of the node if it holds something else than was read from it, where anybody knows."""
        looks = self._retriever._changed_source
        return "" if looks is None or self._node is None else looks(self._node.ref_doc_id or self._id)

    def _clause(self, filters: MetadataFilters | None) -> str:
        """Return the part of the filters that the node does not pass, or ""."""
        node = self._node
        if filters is None or node is None or isinstance(node, IndexNode):
            return ""
        facts = filterable(node)
        if filters.matches(facts):
            return ""
        if filters.condition is not FilterCondition.AND:
            return str(filters)
        return " and ".join(str(part) for part in filters.filters if not _passes(part, facts))

    def _lost_in(self, recording: Recording, within: str) -> _Loss:
        root = recording is self._recording
        path = f"{within}{'' if root else recording.name + '/'}"
        for step in reversed(recording.steps):
            if self._came_into(step):
                self._seen = True
                return self._lost_at(step, recording, path)
        giving = [leg for leg in recording.legs if self._id in self._telling.places(leg)]
        if giving:
            self._seen = True
            text = f"{recording.name} has it from {giving[0].name} and leaves it out"
            return _Loss(Code.RERANKED_OUT, path.rstrip("/") or recording.name, text)
        return self._below(recording, path, root)

    def _came_into(self, step: Step) -> bool:
        rows = [*(step.came or ()), *step.below]
        return any(self._telling.id_of(row) == self._id for row in rows)

    def _lost_at(self, step: Step, recording: Recording, path: str) -> _Loss:
        stage, name = f"{path}{step.name}", recording.name
        ranked = [node_id for node_id, _ in self._telling.ids([*step.out, *step.below])]
        rank = ranked.index(self._id) + 1 if self._id in ranked else None
        into = next((lost.into for lost in self._telling.lost(step) if lost.node_id == self._id), "")
        if into or step.code is Code.DEDUPLICATED_INTO:
            by = repr(into) if into else "another node"
            return _Loss(Code.DEDUPLICATED_INTO, stage, f"{by} stands for it", rank)
        if step.code is Code.BELOW_LEG_CUT and step.came is None and rank is not None:
            return self._beneath(recording, path, rank)
        kept = len(self._telling.ids(step.out))
        legs = [(leg.name, at[0]) for leg in recording.legs if (at := self._telling.places(leg).get(self._id))]
        told = "".join(f", rank {at} in {leg}" for leg, at in legs)
        if step.code in (Code.FUSED_OUT, Code.CUT_BY_TOP_K, Code.BELOW_LEG_CUT) and rank is not None:
            code = Code.BELOW_LEG_CUT if recording is not self._recording else Code.CUT_BY_TOP_K
            if step.code is Code.FUSED_OUT and any(at <= kept for _, at in legs):
                code = Code.FUSED_OUT
            return _Loss(code, stage, f"rank {rank} in {name}{told}, of which {kept} are returned", rank)
        if step.code is Code.FILTERED:
            return _Loss(Code.FILTERED, stage, "the filters exclude it")
        return _Loss(step.code, stage, f"{step.note or f'{step.name} of {name} left it out'}{told}", rank)

    def _below(self, recording: Recording, path: str, root: bool) -> _Loss:
        """Return why no stage of a retriever saw the node."""
        name, query = recording.name, recording.query
        stage = path.rstrip("/") or name
        if recording.status is Status.FAILED:
            said = shorten(getattr(recording.error, "message", recording.error) or "it had no answer", 300)
            return _Loss(Code.LEG_FAILED, stage, f"{name} failed: {said}")
        if not root and (own := self._excluded_by(query)) is not None:
            return own._replace(stage=stage, text=f"{name}: {own.text}")
        legs = [leg for leg in recording.legs if leg.status is not Status.SKIPPED]
        if legs:
            losses = [self._lost_in(leg, path) for leg in legs]
            failed = [loss for loss in losses if loss.code is Code.LEG_FAILED]
            return min(failed or losses, key=lambda loss: loss.rank or UNLIMITED)
        rank = self._deep_rank(recording)
        if rank is None:
            searched = f"{path}{recording.steps[0].name}" if recording.steps else stage
            text = "does not find it for this query, however many are asked for"
            if not self._looked:
                text = "did not find it, and was not asked for more, as that may spend something"
            return _Loss(Code.BELOW_LEG_CUT, searched, f"{name} {text}")
        self._seen = True
        return self._beneath(recording, path, rank)

    def _beneath(self, recording: Recording, path: str, rank: int) -> _Loss:
        """Return that the search of a leg has the node at a rank beneath its cut."""
        root, query = recording is self._recording, recording.query
        asked = query.top_k if query.top_k is not None else recording.retriever.default_top_k
        wanted = f"{'top_k' if root else 'candidates'} {asked}"
        text = f"rank {rank} in {recording.name}, {wanted}"
        if asked is not None and rank <= asked:  # an approximate search finds more where more is asked for
            text = f"rank {rank} in {recording.name} where all is asked for, not found with {wanted}"
            return _Loss(Code.BELOW_LEG_CUT, f"{path}search", text, rank)
        return _Loss(
            *((Code.CUT_BY_TOP_K, f"{path}cut") if root else (Code.BELOW_LEG_CUT, f"{path}search")), text, rank
        )

    def _excluded_by(self, query: QueryBundle) -> _Loss | None:
        """Return what excludes the node in a leg's own query, beside what the caller asked for."""
        if self._node is None:
            return None
        if query.scope is not None and not query.scope.matches(filterable(self._node)):
            return _Loss(Code.OUT_OF_SCOPE, "", "its own scope excludes it")
        clause = self._clause(query.filters)
        return _Loss(Code.FILTERED, "", f"its own filters exclude it: {clause}") if clause else None

    def _deep_rank(self, recording: Recording) -> int | None:
        self._looked = False
        if recording.retriever.asks_model:
            return None
        try:
            self._looked = True
            return self._tries.rank(recording.retriever, recording.query, self._id)
        except OutOfTries:
            self._looked = False
            return None

    def _would(self, loss: _Loss) -> tuple[Change, ...]:
        """Return changes that bring the node in, each tried."""
        if loss.code in (Code.FILTERED, Code.OUT_OF_SCOPE, Code.LEG_FAILED, Code.DEDUPLICATED_INTO):
            return ()
        changes: list[Change] = []
        try:
            changes += self._by_top_k(loss)
            for change, _ in self._remedies(lambda other: self._tries.finds(other, self._query, self._id)):
                changes.append(change)
            if not changes:
                changes += self._by_two()
        except OutOfTries:
            pass
        return tuple(changes)

    def _remedies(self, enters: Callable[[BaseRetriever], bool]) -> Iterable[tuple[Change, BaseRetriever]]:
        query = self._query
        if query.top_k is None and self._retriever.default_top_k is not None:
            query = query.replace(top_k=self._retriever.default_top_k)
        return self._retriever._remedies(Sought(self._id, query, enters, self._tries))

    def _by_two(self) -> Iterator[Change]:
        """Yield changes that bring the node in with another ``top_k`` of the query."""

        def rank(other: BaseRetriever) -> int | None:
            return self._tries.rank(other, self._query, self._id)

        for change, other in self._remedies(lambda other: rank(other) is not None):
            top_k = rank(other)
            if top_k is not None and self._tries.finds(other, self._query.replace(top_k=top_k), self._id):
                yield replace(change, text=f"top_k = {top_k} with {change.text.replace('>=', '=')}", top_k=top_k)

    def _by_top_k(self, loss: _Loss) -> list[Change]:
        asked = self._query.top_k if self._query.top_k is not None else self._retriever.default_top_k
        ranks = {loss.rank, self._tries.rank(self._retriever, self._query, self._id)}
        values = sorted({rank * by for rank in ranks if rank and (asked is None or rank > asked) for by in _FACTORS})
        found = least(values, lambda k: self._tries.finds(self._retriever, self._query.replace(top_k=k), self._id))
        if found is None:
            return []
        return [Change({}, f"top_k {'>=' if found[1] else '='} {found[0]}", top_k=found[0])]


def _passes(part: MetadataFilter | MetadataFilters, facts: dict[str, Any]) -> bool:
    return part.matcher(facts)


def _tries_of(retriever: BaseRetriever, query: QueryBundle) -> int:
    """Return how often the retriever may be asked again: not at all where language models are paid for each time."""
    plan = retriever.plan(query)
    if plan.total("llm_calls") or _asks_model(retriever):
        return 0
    return MAX_TRIED if plan.complete else FEW


def _asks_model(retriever: BaseRetriever) -> bool:
    return retriever.asks_model or any(map(_asks_model, retriever.sub_retrievers))
