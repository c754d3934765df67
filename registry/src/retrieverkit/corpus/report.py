"""What a change did, and what a check found."""

from __future__ import annotations

from dataclasses import dataclass


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
