"""What a stored index says of itself: what it is, what it was made with, and how far it has followed its corpus."""

from __future__ import annotations

import json
from dataclasses import dataclass

from retrieverkit_core.corpus import Corpus, Cursor


class Misfit(Exception):
    """What is stored cannot be used; the text says why. Stores raise it, and the index is then built again."""


class RebuildRequired(Exception):
    """Raised by an index's ``update`` when it is better, or only, built again. It is not an error."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an index is, whatever it holds.

    Attributes:
        name: The name of the kind of index.
        version: The version of what that kind stores.
        config: The settings that what is stored depends on, as canonical JSON.
    """

    name: str
    version: int
    config: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What one state of a stored index was made from.

    Attributes:
        kind: What index it is.
        cursor: The place in the corpus's log up to which it has applied every change.
        nodes: How many nodes it covers.
        rebuilds: How many times a misfit made it be built again, as far as is known.
        rebuild_reason: Why the last of these was necessary, or an empty string.
    """

    kind: Kind
    cursor: Cursor
    nodes: int
    rebuilds: int = 0
    rebuild_reason: str = ""

    def check_fit(self, kind: Kind, corpus: Corpus) -> None:
        """Compare with what is wanted.

        Raises:
            Misfit: It is another index, made with other settings, or from what ``corpus`` has never been.
        """
        if (self.kind.name, self.kind.version) != (kind.name, kind.version):
            raise Misfit(f"it is an index {self.kind.name!r} of version {self.kind.version}")
        if self.kind.config != kind.config:
            raise Misfit("it was built with another configuration")
        if self.cursor.corpus_id != corpus.corpus_id:
            raise Misfit("it was built from another corpus")
        if not corpus.holds(self.cursor):
            raise Misfit("the corpus's history has no such place: it was rolled back, or an older copy put back")


def canonical_json(value: object) -> str:
    """Return ``value`` as JSON that is equal for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
