"""Counts: ``top three``, ``five best``, ``two papers``."""

from __future__ import annotations

from collections.abc import Sequence

from retrieverkit_auto.fields import singular
from retrieverkit_auto.rules.found import Found
from retrieverkit_auto.rules.words import COUNTS, DOCUMENTS, REQUESTS, Token, at, one_of, text_at
from retrieverkit_auto.schema import Schema

_ASKING = [request for request in REQUESTS if request[0] in ("show", "give", "list", "get", "recommend", "suggest")]


def find_count(tokens: Sequence[Token], place: int, schema: Schema, head: bool) -> Found | None:
    """Return the number of hits that is asked for at a place, in front of what is searched for."""
    if not head:
        return None
    ranked = text_at(tokens, place) in ("top", "first", "best")
    number = _count(tokens, place + ranked)
    if number is None:
        return None
    behind = place + ranked + 1
    after = text_at(tokens, behind)
    if any(field.kind == "number" and singular(after) in map(singular, field.words) for field in schema.fields):
        return None
    if ranked and after not in ("%", "percent"):
        return Found(place, behind, top_k=number)
    if after in ("best", "top"):
        return Found(place, behind, top_k=number)
    if after != singular(after) and singular(after) in DOCUMENTS:
        return Found(place, behind, top_k=number)
    requests = [request for request in _ASKING if at(tokens, place - len(request), *request)]
    if requests and after.isalpha() and after != singular(after):
        return Found(place, behind, top_k=number)
    if at(tokens, place - 3, "tell", "me", "about") and after.isalpha() and after != singular(after):
        return Found(place, behind, top_k=number, evidence=((tokens[place].text, after),))
    return None


def _count(tokens: Sequence[Token], place: int) -> int | None:
    text = text_at(tokens, place)
    if text in COUNTS:
        return COUNTS[text]
    is_number = 0 <= place < len(tokens) and tokens[place].kind == "number" and text.isdigit() and len(text) <= 3
    return int(text) or None if is_number else None


def is_request(tokens: Sequence[Token], place: int) -> int:
    """Return how many tokens at a place only ask to search."""
    return len(one_of(tokens, place, REQUESTS) or ())
