"""What is known of a stored index."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrieverkit_core.corpus import Corpus, Cursor
from retrieverkit_indexing.derived._applied import Applied


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What is stored of one derived index.

    Attributes:
        folder: Where it is stored.
        name: The kind of index; empty where what is stored does not say.
        config: The settings that it was built with, as JSON.
        generation: Which state is stored, or None before the first build.
        cursor: The place in the corpus's log up to which it has applied every change.
        behind: How many changes it has not applied; None if the corpus's history does not hold the cursor.
        nodes: How many nodes it covers.
        counts: How much of what else there is in it, such as ``{"entities": 12}``, where the index counts.
        size: The bytes of its files.
        rebuilds: How many times it turned out wrong and was built again.
        last_rebuild_reason: Why it was the last time, or an empty string.
        private: It is kept for this process alone, as beside the corpus nothing may or can be written.
        former: It has not been opened since another index of the same kind was made: it belongs to former settings.
        last_opened: When a process last opened it, in seconds since the epoch; None if that is not known.
        problems: Why it will be built again at its next use, one text each.
    """

    folder: str
    name: str = ""
    config: str = ""
    generation: str | None = None
    cursor: Cursor | None = None
    behind: int | None = None
    nodes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)
    size: int = 0
    rebuilds: int = 0
    last_rebuild_reason: str = ""
    private: bool = False
    former: bool = False
    last_opened: float | None = None
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as inert JSON."""
        plain = dataclasses.asdict(self)
        return plain | {"cursor": self.cursor and list(self.cursor), "problems": list(self.problems)}

    def of(self, applied: Applied, corpus: Corpus, problems: Sequence[str]) -> IndexStatus:
        """Return this status with what a stored index says of itself, and what is wrong with it, filled in."""
        holds = corpus.holds(applied.cursor)
        if not holds:
            problems = [*problems, "the corpus's history has no such place as it was built at"]
        return dataclasses.replace(
            self,
            name=applied.kind.name,
            config=applied.kind.config,
            cursor=applied.cursor,
            behind=max(0, corpus.head().seq - applied.cursor.seq) if holds else None,
            nodes=applied.nodes,
            rebuilds=applied.rebuilds,
            last_rebuild_reason=applied.rebuild_reason,
            problems=tuple(problems),
        )
