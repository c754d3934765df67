"""What a model was fitted to, now and before the corpus grew: when it must be fitted again, and to what.

What is added and deleted again leaves no trace. A model that was fitted because the corpus had grown is given up when
what is left would not have called for it: then the one before is fitted once more, to the texts it was fitted to then.
That gives the very same model, unless one of those texts has been deleted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

Outgrown = Callable[[int, int, int], bool]
"""`CorpusEmbedder.outgrown`."""


@dataclass(slots=True)
class Fit:
    """What a model was fitted to. Ordinals only grow, so one of them parts the texts it knows from later ones.

    Attributes:
        until: The last ordinal of a text it was fitted to.
        texts: How many texts it was fitted to.
        later: How many texts have come since, and are still there.
        gone: How many of those it was fitted to have been deleted since.
    """

    until: int
    texts: int
    later: int = 0
    gone: int = 0


class Refit(NamedTuple):
    """What the next model is to be fitted to.

    Attributes:
        before: The fits that can be gone back to.
        until: Only texts up to this ordinal; None for all.
    """

    before: tuple[Fit, ...] = ()
    until: int | None = None


def counted(fits: Sequence[Fit], latest: int, removed: Sequence[int], added: int) -> list[Fit]:
    """Return ``fits`` after a change.

    Args:
        fits: The fits, the current one last.
        latest: The last ordinal that the index has seen.
        removed: Ordinals of nodes that are gone, ascending; the index may never have seen some of them.
        added: How many texts have come.
    """
    seen = bisect_right(removed, latest)
    changed = []
    for fit in fits:
        gone = bisect_right(removed, fit.until)
        changed.append(replace(fit, later=fit.later + added - (seen - gone), gone=fit.gone + gone))
    return changed


def refit(fits: Sequence[Fit], outgrown: Outgrown) -> Refit | None:
    """Return what the model must be fitted to again, or None where the current one will do.

    Args:
        fits: The fits, the current one last.
        outgrown: The embedding's rule.
    """
    for place, fit in enumerate(fits[:-1]):
        if not outgrown(fit.texts, fit.later, fit.gone):
            return Refit(tuple(fits[:place]), fit.until)
    current = fits[-1]
    if not outgrown(current.texts, current.later, current.gone):
        return None
    grown = outgrown(current.texts, current.later, 0)
    former = fits if grown else fits[:-1]
    return Refit(tuple(fit for fit in former if not outgrown(fit.texts, 1, fit.gone)))
