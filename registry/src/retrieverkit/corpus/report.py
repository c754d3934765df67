"""What a change did, and what a check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from retrieverkit_core.nodes import Document, Node


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What one committed change did, as document ids in the order given.

    Attributes:
        added: Documents that were not there before.
        changed: Documents whose nodes were replaced.
        unchanged: Documents that were there already, exactly as given; nothing was written for them.
        removed: Documents that were deleted.
        missing: Ids that were to be deleted and are not there.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class SourceContent(NamedTuple):
    """All that one source, such as a file, holds now.

    Attributes:
        source: The source's identity from one time to the next.
        fingerprint: Of the content that the documents were made from; None where it has to be read again.
        documents: Each document with the nodes it was cut into.
    """

    source: str
    fingerprint: str | None
    documents: Sequence[tuple[Document, Sequence[Node]]]


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage that a check found.

    Attributes:
        where: The part of the corpus: ``file``, ``meta``, ``document``, ``node``, ``log`` or ``fields``.
        what: Which item, as far as it can be named.
        detail: What is wrong with it.
    """

    where: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}: {self.detail}" if self.what else f"{self.where}: {self.detail}"
