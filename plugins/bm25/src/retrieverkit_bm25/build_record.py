"""What is recorded of a build, beside the engine's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

_FILE = "built.json"


class Ordinals:
    """Whether the ordinals of nodes follow each other without a gap."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._next: int | None = None
        self._gap = False

    def count(self, ordinal: int) -> None:
        """Take the next ordinal into account."""
        if self._first is None:
            self._first = ordinal
        self._gap = self._gap or (self._next is not None and ordinal != self._next)
        self._next = ordinal + 1

    @property
    def first(self) -> int | None:
        """The first ordinal, where the others follow it without a gap."""
        return None if self._gap else self._first


class BuildRecord(NamedTuple):
    """What was true when all nodes had been added in one go, in the order of their ordinals.

    Attributes:
        segments: The ids of the engine's segments.
        first: The ordinal of the first node, where the others follow it without a gap.
        frequent: The term in most nodes, an empty string where there is none.
    """

    segments: list[str]
    first: int | None
    frequent: str

    @classmethod
    def read(cls, folder: Path) -> BuildRecord:
        """Return what `write` stored in ``folder``."""
        return cls(**json.loads((folder / _FILE).read_bytes()))

    def write(self, folder: Path) -> None:
        """Store the record in ``folder``."""
        (folder / _FILE).write_text(json.dumps(self._asdict()), "utf-8")


def segments(folder: Path) -> list[dict[str, Any]]:
    """Return what the engine records of its segments."""
    found: list[dict[str, Any]] = json.loads((folder / "meta.json").read_bytes())["segments"]
    return found
