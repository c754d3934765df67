"""The recorded question that is most like one that was not recorded, and what the two differ in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice, zip_longest

from retrieverkit.cassettes.questions import Question
from retrieverkit_core.errors import shorten

_LOOKED_AT = 500
"""At most this many recorded questions are compared."""

_CHARS = 1000
"""Of each so many characters."""

_AROUND = 30


def nearest(question: Question, recorded: Iterable[Question]) -> Question | None:
    """Return the one of ``recorded`` that is most like ``question``; None where there is none of its kind."""
    kind = "model" if "model" in question else "embedding"
    candidates = list(islice((other for other in recorded if kind in other), _LOOKED_AT))
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(_text(question))

    def likeness(other: Question) -> tuple[int, float]:
        matcher.set_seq1(_text(other))
        return sum(other.get(name) == value for name, value in question.items()), matcher.quick_ratio()

    return max(candidates, key=likeness, default=None)


def differences(asked: Question, recorded: Question) -> list[str]:
    """Return in what a question differs from a recorded one, one text each."""
    told = []
    for name in asked:
        one, other = asked[name], recorded.get(name)
        if one == other:
            continue
        if name == "data" and isinstance(other, list):
            pairs = enumerate(zip_longest(one, other), 1)
            told += [_difference(f"message {at}", *pair) for at, pair in pairs if pair[0] != pair[1]]
        else:
            told.append(_difference(name, one, other))
    return told


def _difference(what: str, asked: object, recorded: object) -> str:
    if asked is None or recorded is None:
        return f"{what} is only in the {'recorded' if asked is None else 'asked'} one"
    one, other = _written(asked), _written(recorded)
    at = next(
        (n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
    return f"{what} differs from character {at + 1} on: asked {_around(one, at)}, recorded {_around(other, at)}"


def _around(text: str, at: int) -> str:
    start, end = max(0, at - _AROUND), at + _AROUND
    shown = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    return f"'{shorten(shown, 4 * _AROUND)}'"


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _text(question: Question) -> str:
    told: str = question.get("text", "") + question.get("system", "")
    return (told + "\n".join(question.get("data", ())))[:_CHARS]
