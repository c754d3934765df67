"""Booleans: ``in stock``, ``unread``, ``not open access``."""

from __future__ import annotations

from collections.abc import Sequence

from retrieverkit_auto.fields import FieldInfo
from retrieverkit_auto.rules.found import Found
from retrieverkit_auto.rules.words import NEGATIONS, Token, at, one_of, phrases, text_at
from retrieverkit_auto.schema import Schema
from retrieverkit_core.filters import MetadataFilter

_OUT = phrases("not", "non", "no", "without", "isn t", "aren t")
_OPPOSITES = {("in", "stock"): ("out", "of", "stock"), ("available",): ("unavailable",)}


def find_flag(tokens: Sequence[Token], place: int, schema: Schema, head: bool) -> Found | None:
    """Return the boolean that is asked for at a place.

    Args:
        tokens: The question.
        place: Where to look.
        schema: The fields.
        head: Whether nothing that is searched for stands before: a single word is a flag only there, and behind
            ``are``, ``not`` or a comma.
    """
    for field in schema.fields:
        if field.kind != "bool" or field.lists:
            continue
        words = _spoken(field)
        if not words:
            continue
        out = len(one_of(tokens, place, _OUT) or ())
        opposite = _OPPOSITES.get(words)
        evidence = (words,) if len(words) == 1 else ()
        alone = len(words) > 1 or out or head or text_at(tokens, place - 1) in ("are", "is", "still", ",")
        stated = text_at(tokens, place + out + len(words)) in (":", "=", "==")
        if (alone or stated) and at(tokens, place + out, *words):
            behind = place + out + len(words)
            behind, value = _stated(tokens, behind)
            if value is None:
                return None
            return Found(place, behind, (_leaf(field, value is (out == 0)),), evidence=evidence, is_value=True)
        if opposite and at(tokens, place, *opposite) and text_at(tokens, place - 1) not in NEGATIONS:
            return Found(place, place + len(opposite), (_leaf(field, False),), is_value=True)
    return None


def _spoken(field: FieldInfo) -> tuple[str, ...]:
    words = field.words
    return words[1:] if len(words) > 1 and words[0] in ("is", "has", "was") else words


def _stated(tokens: Sequence[Token], place: int) -> tuple[int, bool | None]:
    """Return what ``: true`` or ``= no`` says behind a name, and where to read on."""
    if text_at(tokens, place) not in (":", "=", "=="):
        return place, True
    said = {"true": True, "yes": True, "false": False, "no": False}.get(text_at(tokens, place + 1))
    return place + 2, said


def _leaf(field: FieldInfo, value: bool) -> MetadataFilter:
    return MetadataFilter(field.name, value)
