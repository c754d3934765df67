"""Labels without meaning, which nobody who writes a text can know."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import count

_LETTERS = "bcdfghjklmnpqrstvwxz"
_SHORTEST = 6
_SPARE_DRAWS = 100


def new_labels(number: int, texts: Iterable[str]) -> tuple[str, ...]:
    """Return so many labels: random, of one length, each of them once and nowhere in ``texts``, in whatever case."""
    taken = "\n".join(texts).casefold()
    for length in count(_SHORTEST):
        drawn = dict.fromkeys(_drawn(length) for _ in range(number + _SPARE_DRAWS))
        labels = [label for label in drawn if label not in taken]
        if len(labels) >= number:
            break
    return tuple(labels[:number])


def _drawn(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
