"""Times: years, decades, months and days, before, after, in and between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from retrieverkit_auto.fields import FieldInfo, singular
from retrieverkit_auto.rules.found import Found, Leaf
from retrieverkit_auto.rules.words import (
    DECADES,
    DETERMINERS,
    DOCUMENTS,
    MONTHS,
    PUBLISHING,
    Token,
    at,
    is_of_something_else,
    one_of,
    phrases,
    text_at,
)
from retrieverkit_auto.schema import Schema
from retrieverkit_core.filters import FilterOperator, MetadataFilter

_YEARS = range(1000, 2100)
_APPEARING = frozenset({"year", "date", "time", "timestamp", "day", "created", "publication", "release"}) | PUBLISHING
"""Words in the names of fields that say when something came out: a time beside any noun is of them."""
_WHO = frozenset({"i", "you", "he", "she", "it", "we", "they", "there"})


class Span(NamedTuple):
    """A stretch of time.

    Attributes:
        first: Its first day.
        behind: The day behind its last.
        years: Whether it is whole years.
        size: How many tokens it takes.
        words: What stands for it in texts.
    """

    first: date
    behind: date
    years: bool
    size: int
    words: tuple[str, ...]


_BEFORE = phrases("before", "prior to", "earlier than")
_AFTER = phrases("after", "later than")
_SINCE = phrases("since", "starting in", "no earlier than", "not earlier than")
_UNTIL = phrases("until", "till", "up to", "no later than", "not later than")
_IN = phrases("in", "during", "from", "on")
_TO = phrases("to", "through", "until", "till", "and", "-")
_SIGNS = {"<": _BEFORE[0], ">": _AFTER[0], ">=": _SINCE[0], "<=": _UNTIL[0], "=": ("in",), "==": ("in",), ":": ("in",)}


def find_time(tokens: Sequence[Token], place: int, schema: Schema) -> Found | None:
    """Return the time that is asked for at a place."""
    fields = [field for field in schema.fields if _is_time(field)]
    if not fields:
        return None
    verb, behind = _verb(tokens, place, fields)
    meant = _meant(verb, fields)
    if not meant:
        return None
    named = verb is not None and text_at(tokens, behind) in _SIGNS
    asked, size = _asked(tokens, behind, named)
    if asked is None:
        if verb is not None and verb.words == (text_at(tokens, place),) and (year := _span(tokens, behind)):
            end = behind + year.size
            if text_at(tokens, place - 1) in DETERMINERS and text_at(tokens, place - 2) not in ("in", "from", "of"):
                return Found(place, end, doubt="it may be a subject")
            return _found(tokens, place, end, "in", (year, year), [verb], schema, sure=True)
        return _leading_year(tokens, place, meant, schema)
    begin = behind + size
    begin += at(tokens, begin, "the")
    first = _span(tokens, begin)
    is_range = text_at(tokens, behind) == "from" or (first and text_at(tokens, begin + first.size) == "-")
    if asked == "between" or (first and asked == "in" and is_range):
        second = _second(tokens, begin, first)
        if second is not None:
            return _found(tokens, place, second[2], "in", second[:2], meant, schema, sure=verb is not None)
    if first is None or asked == "between":
        return None
    end = begin + first.size
    if asked == "in" and text_at(tokens, behind) == "on" and (first.years or first.behind - first.first > timedelta(1)):
        return None
    if asked == "in" and (after := _onwards(tokens, end)):
        asked, end = "since", end + len(after)
    elif asked == "in" and (
        until := one_of(
            tokens,
            end,
            phrases(
                "or earlier",
            ),
        )
    ):
        asked, end = "until", end + len(until)
    return _found(tokens, place, end, asked, (first, first), meant, schema, sure=verb is not None)


def _found(
    tokens: Sequence[Token],
    place: int,
    end: int,
    asked: str,
    spans: Sequence[Span],
    fields: Sequence[FieldInfo],
    schema: Schema,
    sure: bool,
) -> Found:
    if _goes_on(tokens, end):
        return Found(place, end, doubt="another time follows")
    usable = [field for field in fields if field.kind == "date" or all(span.years for span in spans)]
    before = text_at(tokens, place - 1)
    if len(fields) != 1 or not usable:
        told = " or ".join(field.name for field in fields)
        return Found(place, end, doubt=f"it may be a time of {told}" if usable else f"{told} holds years alone")
    if not sure and is_of_something_else(before):
        return Found(place, end, doubt=f"it may be when something was {before}")
    sure = sure or before in PUBLISHING or singular(before) in DOCUMENTS
    if not sure and asked == "in" and text_at(tokens, place) in ("in", "on", "during") and _is_event(usable[0], tokens):
        return Found(place, end, doubt=f"it may be when something else was than {usable[0].name}")
    if not sure and text_at(tokens, end + at(tokens, end, ",")) in _WHO:
        return Found(place, end, doubt="it may be when something happened")
    leaves = _leaves(usable[0], asked, *spans)
    words = tuple(dict.fromkeys(span.words for span in spans if span.words))
    return Found(place, end, leaves, evidence=() if sure else words)


def _is_event(field: FieldInfo, tokens: Sequence[Token]) -> bool:
    """Return whether a field is of one event, such as ``decided``, which a question does not name."""
    return _APPEARING.isdisjoint(field.words) and not any(token.text in field.words for token in tokens)


def _goes_on(tokens: Sequence[Token], end: int) -> bool:
    """Return whether a time is a part of something longer: ``2016/17``, ``May 2021 and June 2021``."""
    if text_at(tokens, end) in ("/", "-"):
        return True
    behind = end + 1 + (text_at(tokens, end + 1) in ("in", "from", "on"))
    return text_at(tokens, end) in ("and", ",") and _span(tokens, behind) is not None


def _onwards(tokens: Sequence[Token], place: int) -> tuple[str, ...] | None:
    found = one_of(tokens, place, phrases("onwards", "onward", "or later", "on"))
    return None if found == ("on",) and text_at(tokens, place + 1) not in ("", ",", ".") else found


def _leaves(field: FieldInfo, asked: str, first: Span, last: Span) -> tuple[Leaf, ...]:
    low = high = None
    if asked in ("in", "since"):
        low = first.first
    if asked == "after":
        low = first.behind
    if asked in ("in", "until"):
        high = last.behind
    if asked == "before":
        high = last.first
    if field.kind == "date":
        since = [MetadataFilter(field.name, low.isoformat(), FilterOperator.GTE)] if low else []
        return (*since, *([MetadataFilter(field.name, high.isoformat(), FilterOperator.LT)] if high else []))
    if low and high and high.year - low.year == 1:
        return (MetadataFilter(field.name, low.year),)
    if asked == "after":
        return (MetadataFilter(field.name, first.behind.year - 1, FilterOperator.GT),)
    if asked == "before":
        return (MetadataFilter(field.name, last.first.year, FilterOperator.LT),)
    at_least = [MetadataFilter(field.name, low.year, FilterOperator.GTE)] if low else []
    return (*at_least, *([MetadataFilter(field.name, high.year - 1, FilterOperator.LTE)] if high else []))


def _is_time(field: FieldInfo) -> bool:
    if field.lists:
        return False
    return field.kind == "date" or (field.kind == "number" and field.whole and "year" in field.meanings)


def _verb(tokens: Sequence[Token], place: int, fields: Sequence[FieldInfo]) -> tuple[FieldInfo | None, int]:
    """Return the field that is named at a place, and where to read on; ``published in`` names the only one there is."""
    for field in fields:
        own = [word for word in field.words if word not in ("date", "at", "on", "time", "day")] or list(field.words)
        for phrase in ({field.words, tuple(own)}) if own else ():
            if at(tokens, place, *phrase):
                return field, place + len(phrase)
    fields = _meant(None, fields)
    if len(fields) == 1 and text_at(tokens, place) in PUBLISHING - {"from", "work", "works"}:
        return fields[0], place + 1
    return None, place


def _meant(verb: FieldInfo | None, fields: Sequence[FieldInfo]) -> list[FieldInfo]:
    return [field for field in fields if not field.of_files] if verb is None else [verb]


def _asked(tokens: Sequence[Token], place: int, named: bool) -> tuple[str | None, int]:
    if named:
        phrase = _SIGNS[text_at(tokens, place)]
        return next(name for name, all_of in _WAYS.items() if phrase in all_of), 1
    for name, all_of in _WAYS.items():
        found = one_of(tokens, place, all_of)
        if found:
            return name, len(found)
    return None, 0


_WAYS = {
    "before": _BEFORE,
    "after": _AFTER,
    "since": _SINCE,
    "until": _UNTIL,
    "between": phrases("between"),
    "in": _IN,
}


def _span(tokens: Sequence[Token], place: int) -> Span | None:
    """Return the stretch of time that is written at a place."""
    if not 0 <= place < len(tokens):
        return None
    token = tokens[place]
    if token.kind == "date":
        return _iso(token.text)
    if token.kind == "decade":
        return _decade(token.text)
    if token.text in DECADES:
        return _years(DECADES[token.text], 10, 1, (token.text,))
    if (year := _year(token)) is not None:
        return _years(year, 1, 1, (token.text,))
    if token.text in MONTHS:
        return _from_month(tokens, place)
    after = text_at(tokens, place + 1 + at(tokens, place + 1, "of"))
    if (day := _day(token)) and after in MONTHS:
        skip = 2 + at(tokens, place + 1, "of")
        skip += at(tokens, place + skip, ",")
        written = _year(tokens[place + skip]) if place + skip < len(tokens) else None
        return None if written is None else _one_day(written, MONTHS[after], day, skip + 1, (after, str(written)))
    return None


def _from_month(tokens: Sequence[Token], place: int) -> Span | None:
    month = MONTHS[tokens[place].text]
    rest = tokens[place + 1 : place + 4]
    if rest and (year := _year(rest[0])):
        return _one_month(year, month, 2, (tokens[place].text, rest[0].text))
    if rest and (day := _day(rest[0])):
        skip = 1 + (len(rest) > 1 and rest[1].text == ",")
        if len(rest) > skip and (year := _year(rest[skip])):
            return _one_day(year, month, day, skip + 2, (tokens[place].text, rest[skip].text))
    return None


def _second(tokens: Sequence[Token], begin: int, first: Span | None) -> tuple[Span, Span, int] | None:
    """Return both ends of a range; a month without a year has that of the other."""
    size = first.size if first is not None else 1 if text_at(tokens, begin) in MONTHS else 0
    if not size:
        return None
    link = one_of(tokens, begin + size, _TO)
    if link is None:
        return None
    behind = begin + size + len(link)
    behind += at(tokens, behind, "the")
    last = _span(tokens, behind)
    if last is None:
        return None
    if first is None:
        month = MONTHS[text_at(tokens, begin)]
        if last.years or month > last.first.month:
            return None
        first = _one_month(last.first.year, month, 1, ())
    if first is None or first.first > last.first:
        return None
    return first, last, behind + last.size


def _leading_year(tokens: Sequence[Token], place: int, fields: Sequence[FieldInfo], schema: Schema) -> Found | None:
    """Return the year of ``1958 paper on wings``."""
    noun = singular(text_at(tokens, place + 1))
    if noun not in DOCUMENTS or (year := _year(tokens[place])) is None:
        return None
    before = text_at(tokens, place - 1)
    if before and before not in DETERMINERS:
        return None
    span = _years(year, 1, 1, (tokens[place].text,))
    if span is None or text_at(tokens, place + 1) != noun:  # "1958 papers" may count them
        return None
    return _found(tokens, place, place + 1, "in", (span, span), fields, schema, sure=True)


def _iso(text: str) -> Span | None:
    numbers = [int(part) for part in text.split("-")]
    if len(numbers) == 2:
        return _one_month(numbers[0], numbers[1], 1, (text,))
    return _one_day(numbers[0], numbers[1], numbers[2], 1, (text,))


def _decade(text: str) -> Span | None:
    digits = text.rstrip("s").rstrip("'’")
    if len(digits) == 2:
        return _years(1900 + int(digits), 10, 1, (text,)) if 30 <= int(digits) <= 90 else None
    first = int(digits)
    return _years(first, 10, 1, (text,)) if first in _YEARS and first % 10 == 0 and first % 100 else None


def _year(token: Token) -> int | None:
    if token.kind != "number" or len(token.text) != 4 or not token.text.isdigit():
        return None
    return int(token.text) if int(token.text) in _YEARS else None


def _day(token: Token) -> int | None:
    text = token.text
    for ending in ("st", "nd", "rd", "th"):
        text = text.removesuffix(ending)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= 31 else None


def _years(first: int, count: int, size: int, words: tuple[str, ...]) -> Span:
    return Span(date(first, 1, 1), date(first + count, 1, 1), True, size, words)


def _one_month(year: int, month: int, size: int, words: tuple[str, ...]) -> Span | None:
    if not 1 <= month <= 12 or year not in _YEARS:
        return None
    return Span(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1), False, size, words)


def _one_day(year: int, month: int, day: int, size: int, words: tuple[str, ...]) -> Span | None:
    try:
        only = date(year, month, day)
    except ValueError:
        return None
    return Span(only, only + timedelta(1), False, size, words) if year in _YEARS else None
