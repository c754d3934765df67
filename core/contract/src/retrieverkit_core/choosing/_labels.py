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
    labels: dict[str, None] = {}
    for length in count(_SHORTEST):
        labels.clear()
        for _ in range(number + _SPARE_DRAWS):
            label = _drawn(length)
            if label not in taken:
                labels[label] = None
            if len(labels) == number:
                return tuple(labels)
    raise AssertionError("there are as many labels as anybody wants")


def _drawn(length: int) -> str:
    drawn = secrets.randbelow(len(_LETTERS) ** length)
    label = ""
    for _ in range(length):
        drawn, at = divmod(drawn, len(_LETTERS))
        label += _LETTERS[at]
    return label
