"""From what was recorded to what is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import shorten
from retrieverkit_core.explain._codes import Status
from retrieverkit_core.explain._explanation import (
    LOST_SHOWN,
    NEAR_MISSES,
    Explanation,
    HitExplained,
    Lost,
    Place,
    Stage,
)
from retrieverkit_core.explain._recording import Recording, Row, Step
from retrieverkit_core.explain._scores import Score
from retrieverkit_core.nodes import Node

_ERROR_CHARS = 300


def explained(recording: Recording) -> Explanation:
    """Return what is told of a retrieval. Under a scope, nothing outside of it is named or counted."""
    return Telling(recording).explanation()


def all_of(recording: Recording) -> Iterator[Recording]:
    """Yield a recording and those of its legs, at every depth."""
    yield recording
    for leg in list(recording.legs):
        yield from all_of(leg)


class Telling:
    """One recording, with the ids of all nodes in it.

    Args:
        recording: The recording.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._scope = recording.query.scope
        self._nodes = _read(recording)
        self._places: dict[int, dict[str, tuple[int, float | None]]] = {}
        self._scores: dict[int, dict[str, Score]] = {}
        self._visible: dict[str, bool] = {}
        if self._scope is not None:
            for node in self._nodes.values():
                self._see(node)
            for row in _rows(recording):
                if row.node is not None:
                    self._see(row.node)

    def _see(self, node: Node) -> None:
        from retrieverkit_core.filters import filterable

        assert self._scope is not None
        self._visible[node.id] = self._visible.get(node.id, True) and self._scope.matches(filterable(node))

    def explanation(self) -> Explanation:
        """Return all of it."""
        recording = self._recording
        legs = list(_legs(recording, ""))
        hits = [
            HitExplained(
                node_id,
                rank,
                self.score(recording, node_id, score),
                tuple(Place(node_id, *found, path) for path, leg in legs if (found := self.places(leg).get(node_id))),
            )
            for node_id, (rank, score) in self.places(recording).items()
        ]
        return Explanation(self.stage(recording), tuple(hits))

    def places(self, recording: Recording) -> dict[str, tuple[int, float | None]]:
        """Return the rank and the score of each node that a retriever returned, by its id."""
        known = self._places.get(id(recording))
        if known is None:
            known = {node_id: (rank, score) for rank, (node_id, score) in enumerate(self.ids(recording.out), 1)}
            self._places[id(recording)] = known
        return known

    def ids(self, rows: Sequence[Row]) -> list[tuple[str, float | None]]:
        """Return the id and the score of each node that may be told of, each once."""
        told: dict[str, float | None] = {}
        for row in rows:
            node_id = self.id_of(row)
            if node_id is not None:
                told.setdefault(node_id, row.score)
        return list(told.items())

    def id_of(self, row: Row) -> str | None:
        """Return the id of a node, None where it is gone or may not be told of."""
        node_id = row.key if isinstance(row.key, str) else self._id_at(row.corpus, row.key)
        if node_id is None or self._scope is None or self._visible.get(node_id, False):
            return node_id
        return None

    def _id_at(self, corpus: Corpus | None, ordinal: int) -> str | None:
        node = self._nodes.get((id(corpus), ordinal))
        return None if node is None else node.id

    def stage(self, recording: Recording) -> Stage:
        """Return what is told of a retriever."""
        legs = [self.stage(leg) for leg in list(recording.legs)]
        return Stage(
            recording.name,
            recording.status if recording.ended else Status.FAILED,
            n_out=len(self.ids(recording.out)),
            milliseconds=recording.milliseconds,
            error=_said(recording.error) if recording.ended else "it had not ended",
            note=recording.note,
            stages=(*legs, *(self._step(step) for step in list(recording.steps))),
            is_leg=True,
        )

    def _step(self, step: Step) -> Stage:
        out, below = self.ids(step.out), self.ids(step.below)
        gone = {node_id for node_id, _ in out}
        came = None if step.came is None else self.ids(step.came)
        lost = self.lost(step)
        near = [Place(node_id, len(out) + at, score) for at, (node_id, score) in enumerate(below, 1)]
        return Stage(
            step.name,
            step.status,
            None if came is None else len(came),
            len(gone),
            len(lost),
            tuple(lost[:LOST_SHOWN]),
            tuple(near[:NEAR_MISSES]),
            step.milliseconds,
            _said(step.error),
            step.note,
        )

    def lost(self, step: Step) -> list[Lost]:
        """Return what a stage lost: what came in, or was beneath its cut, and did not go out."""
        gone = {node_id for node_id, _ in self.ids(step.out)}
        rows = [*(step.came or ()), *step.below]
        into: dict[str, str] = {}
        for row in rows:
            node_id = self.id_of(row)
            if node_id is not None and node_id not in gone:
                into.setdefault(node_id, step.into.get(row.key, ""))
        hidden = self._scope is not None
        return [
            Lost(node_id, "" if hidden and not self._visible.get(by, False) else by) for node_id, by in into.items()
        ]

    def score(self, recording: Recording, node_id: str, value: float | None) -> Score:
        """Return what a retriever's score of a node was made from."""

        def of_leg(name: str) -> Score | None:
            leg = next((leg for leg in recording.legs if leg.name == name), None)
            found = None if leg is None else self.places(leg).get(node_id)
            return None if leg is None or found is None else self.score(leg, node_id, found[1])

        for step in reversed(recording.steps):
            score = self._scores_of(step).get(node_id)
            if score is not None and score.value == value:
                return score.linked(of_leg)
        for leg in recording.legs:  # what a leg's score was made from, where it was passed on as it is
            found = self.places(leg).get(node_id)
            if found is not None and found[1] == value and value is not None:
                return self.score(leg, node_id, value)
        return Score(recording.name, value)

    def _scores_of(self, step: Step) -> dict[str, Score]:
        """Return what a stage says of the scores, by the node's id."""
        known = self._scores.get(id(step))
        if known is None:
            keys = {row.key: self.id_of(row) for row in step.out}
            named = ((keys.get(key, key), score) for key, score in step.scores.items())
            known = self._scores[id(step)] = {key: score for key, score in named if isinstance(key, str)}
        return known


def _legs(recording: Recording, within: str) -> Iterator[tuple[str, Recording]]:
    """Yield the legs at every depth with their ways from the top, the second of a name as ``name#2``."""
    seen: Counter[str] = Counter()
    for leg in list(recording.legs):
        seen[leg.name] += 1
        path = f"{within}{leg.name}" + (f"#{seen[leg.name]}" if seen[leg.name] > 1 else "")
        yield path, leg
        yield from _legs(leg, f"{path}/")


def _rows(recording: Recording) -> Iterator[Row]:
    for each in all_of(recording):
        yield from each.out
        for step in list(each.steps):
            yield from step.came or ()
            yield from step.out
            yield from step.below


def _read(recording: Recording) -> dict[tuple[int, int], Node]:
    """Return the nodes that were known by ordinals."""
    wanted: dict[int, tuple[Corpus, dict[int, None]]] = {}
    for row in _rows(recording):
        if isinstance(row.key, int) and row.corpus is not None:
            wanted.setdefault(id(row.corpus), (row.corpus, {}))[1][row.key] = None
    nodes: dict[tuple[int, int], Node] = {}
    for at, (corpus, ordinals) in wanted.items():
        for ordinal, node in zip(ordinals, corpus.fetch(list(ordinals)), strict=True):
            if node is not None:
                nodes[at, ordinal] = node
    return nodes


def _said(error: BaseException | None) -> str:
    return "" if error is None else shorten(getattr(error, "message", None) or error, _ERROR_CHARS)
