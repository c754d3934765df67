"""Values of fields: ``by Smith``, ``in German``, ``red shoes``, ``labelled urgent``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

from retrieverkit_auto.fields import FieldInfo, singular, words_of
from retrieverkit_auto.rules.found import Found, Leaf, equal, negated, other_sense
from retrieverkit_auto.rules.words import (
    DETERMINERS,
    FUNCTION_WORDS,
    MONTHS,
    Token,
    at,
    is_of_something_else,
    one_of,
    phrases,
    text_at,
    word_set,
)
from retrieverkit_auto.schema import Schema

_MAKERS = word_set(
    "author writer creator director artist singer composer painter photographer brand manufacturer maker "
    "developer sender reporter contributor"
)
_OTHER_PEOPLE = word_set("editor translator recipient addressee assignee reviewer owner user to cc bcc")
_CUES: list[tuple[tuple[str, ...], frozenset[str]]] = [
    (tuple(cue.split()), frozenset(roles.split()))
    for cue, roles in {
        "written by": "author writer",
        "authored by": "author writer",
        "composed by": "composer artist",
        "sung by": "singer artist",
        "painted by": "painter artist",
        "directed by": "director",
        "edited by": "editor",
        "translated by": "translator",
        "reviewed by": "reviewer",
        "reported by": "reporter",
        "published by": "publisher",
        "sent by": "sender",
        "made by": "brand manufacturer maker",
        "assigned to": "assignee",
        "owned by": "owner",
        "addressed to": "recipient addressee",
        "sent to": "recipient addressee",
        "published in": "journal magazine venue newspaper periodical country year",
        "by": " ".join(_MAKERS),
        "from": "sender brand manufacturer maker author writer",
        "to": "recipient addressee to",
    }.items()
]
"""Which fields a phrase is of, by words of their names; the longer phrases first."""

_MAKING = word_set("recorded performed created designed developed built made drawn submitted filed posted shared")
"""What is done by those who make something; who has it translated or produced is somebody else."""

_WEAK = phrases("in", "from", "at")
"""What may be of any field that is not of people."""

_OUT = phrases("other than", "except for", "not", "no", "except", "excluding", "without", "neither")


_FOLLOWING = word_set("sent due only please too published written released last first in on")
"""Words that may follow a name without being of it."""


class _Named(NamedTuple):
    """A value in a question.

    Attributes:
        values: The values of each field that it names.
        size: How many tokens it takes.
    """

    values: dict[str, list[str]]
    size: int


class Values:
    """The values of a schema, by their words.

    Args:
        schema: The schema.
    """

    def __init__(self, schema: Schema) -> None:
        self.by_name = schema.by_name
        self.by_first: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        self.by_part: dict[str, list[tuple[str, str]]] = {}
        self.fields = [field for field in schema.fields if field.kind == "string" and not field.of_files]
        for field in self.fields:
            for value in field.values:
                words = words_of(value)
                if not words:
                    continue
                self.by_first.setdefault(words[0], []).append((words, field.name, value))
                if is_of_people(field) and not _is_brand(field):
                    for word in dict.fromkeys(words):
                        self.by_part.setdefault(word, []).append((field.name, value))

    def whole(self, tokens: Sequence[Token], place: int, among: Sequence[FieldInfo]) -> _Named | None:
        """Return the longest value of some fields that stands at a place."""
        names = {field.name for field in among}
        best: dict[str, list[str]] = {}
        size = 0
        for words, field, value in self.by_first.get(text_at(tokens, place), ()):
            if field in names and len(words) >= size and at(tokens, place, *words):
                if len(words) > size:
                    best, size = {}, len(words)
                best.setdefault(field, []).append(value)
        return _Named(best, size) if best else None

    def part(self, tokens: Sequence[Token], place: int, among: Sequence[FieldInfo]) -> _Named | None:
        """Return the names of people that have the word at a place, such as a surname."""
        names = {field.name for field in among}
        word = text_at(tokens, place)
        if len(word) < 2:
            return None
        found: dict[str, list[str]] = {}
        for field, value in self.by_part.get(word, ()):
            if field in names:
                found.setdefault(field, []).append(value)
        return _Named(found, 1) if found else None


_VALUES: WeakKeyDictionary[Schema, Values] = WeakKeyDictionary()


def values_of(schema: Schema) -> Values:
    """Return the values of a schema by their words, sorted once."""
    values = _VALUES.get(schema)
    if values is None:
        values = _VALUES[schema] = Values(schema)
    return values


def is_of_people(field: FieldInfo) -> bool:
    """Return whether a field is of people or makers, who are named in other senses too."""
    return not (_MAKERS | _OTHER_PEOPLE).isdisjoint(map(singular, field.words))


def find_value(tokens: Sequence[Token], place: int, schema: Schema, head: bool) -> Found | None:
    """Return the value that is asked for at a place.

    Args:
        tokens: The question.
        place: Where to look.
        schema: The fields.
        head: Whether nothing that is searched for stands before.
    """
    values = values_of(schema)
    out = _negation(tokens, place)
    begin = place + out
    begin += out > 0 and text_at(tokens, begin) in DETERMINERS
    for found in (
        *_by_name(tokens, begin, values),
        *_by_cue(tokens, begin, values),
        *_by_place(tokens, begin, values),
        *_bare(tokens, begin, values, head, out > 0),
    ):
        if not out or found.doubt:
            return replace(found, start=place)
        filters = tuple(negated(leaf) for leaf in found.filters)
        every = len(filters) > 1 or "all(" in str(filters[0])
        doubt = "not this and that may be either or both" if every else other_sense(found, schema)
        return replace(found, start=place, filters=filters, doubt=doubt, evidence=())
    return None


def _negation(tokens: Sequence[Token], place: int) -> int:
    return len(one_of(tokens, place, _OUT) or ())


def _by_name(tokens: Sequence[Token], place: int, values: Values) -> Iterator[Found]:
    """Find ``colour blue``, ``label: urgent``, ``labelled urgent`` and, with ``in the``, ``the archive folder``."""
    start = place
    place += len(one_of(tokens, place, phrases("in", "with", "of", "under")) or ())
    place += text_at(tokens, place) in DETERMINERS
    for field in values.fields:
        size = _name_at(tokens, place, field)
        if size:
            behind = place + size
            sure = text_at(tokens, behind) in (":", "=", "==")
            behind += len(one_of(tokens, behind, phrases(":", "=", "==", "is", "are", "of", "by")) or ())
            behind += text_at(tokens, behind) in DETERMINERS
            named = _chain(tokens, behind, values, [field])
            if named is not None:
                yield replace(
                    _found(start, named, values),
                    evidence=() if sure else _words(tokens[place + size : named.end], tokens[place : place + size]),
                )
        elif not is_of_people(field):
            named = _chain(tokens, place, values, [field])
            if named is not None and start < place and (behind := _name_at(tokens, named.end, field)):
                yield _found(start, named._replace(end=named.end + behind), values)


def _name_at(tokens: Sequence[Token], place: int, field: FieldInfo) -> int:
    """Return how many tokens name a field at a place, a verb made of its name too: ``labelled``, ``tagged``."""
    words = field.words
    if words and all(singular(text_at(tokens, place + n)) == singular(word) for n, word in enumerate(words)):
        return len(words)
    stem = singular(words[0]) if len(words) == 1 else ""
    verbs = {stem + "ed", stem + stem[-1:] + "ed", stem[:-1] + "ised", stem[:-1] + "ized"} if len(stem) > 2 else set()
    spelt = {"color": "colour", "colour": "color"}.get(stem, "")
    return int(text_at(tokens, place) in verbs or (spelt != "" and singular(text_at(tokens, place)) == spelt))


def _by_cue(tokens: Sequence[Token], place: int, values: Values) -> Iterator[Found]:
    """Find ``by Smith``, ``directed by``, ``from Ana``, ``to Ben``, ``published in``."""
    for cue, roles in _CUES:
        if not at(tokens, place, *cue):
            continue
        among = [field for field in values.fields if not roles.isdisjoint(map(singular, field.words))]
        begin = place + len(cue)
        begin += text_at(tokens, begin) in DETERMINERS
        named = _chain(tokens, begin, values, among) if among else None
        if named is not None and _ends(tokens, named.end):
            found, before = _found(place, named, values), text_at(tokens, place - 1)
            of_another = is_of_something_else(before) or any(each == (before, "by") for each, _ in _CUES)
            if cue == ("by",) and of_another and before not in _MAKING:
                found = replace(found, doubt=found.doubt or f"it may be by whom something was {before}")
            yield found
        if named is not None or len(cue) > 1:
            return


def _by_place(tokens: Sequence[Token], place: int, values: Values) -> Iterator[Found]:
    """Find ``in German``, ``from United States``: if the words have no other sense in the texts."""
    cue = one_of(tokens, place, _WEAK)
    if cue is None or is_of_something_else(text_at(tokens, place - 1)):
        return
    among = [field for field in values.fields if field.is_category and not is_of_people(field)]
    begin = place + len(cue)
    begin += text_at(tokens, begin) in DETERMINERS
    named = _chain(tokens, begin, values, among)
    if text_at(tokens, begin) in FUNCTION_WORDS or (named is not None and text_at(tokens, named.end) == "to"):
        return
    if named is not None and _ends(tokens, named.end):
        yield replace(_found(place, named, values), evidence=_words(tokens[begin : named.end]))


def _bare(tokens: Sequence[Token], place: int, values: Values, head: bool, out: bool) -> Iterator[Found]:
    """Find ``red shoes``: a value that several nodes share, in front of what is searched for."""
    among = [field for field in values.fields if field.is_category and (_is_brand(field) or not is_of_people(field))]
    if (not head and not out) or text_at(tokens, place) in FUNCTION_WORDS:
        return
    named = _chain(tokens, place, values, among)
    if named is None:
        return
    shared = all(_held(values, field, groups) > 1 for field, groups in named.values.items())
    if not out and not (_describes(tokens, named.end) and (shared or named.end - place > 1)):
        return
    found = _found(place, named, values)
    if out and text_at(tokens, named.end) in ("is", "are", "was", "were"):
        found = replace(found, doubt="it may be what is said of something")
    if not out and any(_stands_elsewhere(field, tokens, place, named.end, values) for field in named.values):
        found = replace(found, doubt=found.doubt or "other values of the field stand in the question")
    yield replace(found, evidence=_words(tokens[place : named.end]), is_bare=not out)


def _stands_elsewhere(name: str, tokens: Sequence[Token], start: int, end: int, values: Values) -> bool:
    """Return whether another value of a field is in the question: ``red shoes and blue shoes`` are not red alone."""
    field = [values.by_name[name]]
    places = (*range(start), *range(end, len(tokens)))
    return any(values.whole(tokens, place, field) is not None for place in places)


def _describes(tokens: Sequence[Token], end: int) -> bool:
    """Return whether a value stands in front of what it describes, or of a comma; ``shoes size 42`` is about shoes."""
    following = text_at(tokens, end)
    if following == ",":
        return True
    if end >= len(tokens) or tokens[end].kind != "word" or following in FUNCTION_WORDS:
        return False
    return singular(following) != following or singular(tokens[end - 1].text) == tokens[end - 1].text


def _is_brand(field: FieldInfo) -> bool:
    return not {"brand", "manufacturer", "maker"}.isdisjoint(field.words)


def _held(values: Values, name: str, groups: Sequence[Sequence[str]]) -> int:
    held = values.by_name[name].values
    return min(held[value] for group in groups for value in group)


class _Chain(NamedTuple):
    """Values with ``or`` or ``and`` between them.

    Attributes:
        values: For each field that all of them may be of, the values of each name: a surname may be of several.
        end: The place behind them.
        links: The words between them.
    """

    values: dict[str, list[list[str]]]
    end: int
    links: frozenset[str]


def _chain(tokens: Sequence[Token], place: int, values: Values, among: Sequence[FieldInfo]) -> _Chain | None:
    """Return the values of ``X``, ``X or Y``, ``X, Y or Z``."""
    first = _one(tokens, place, values, among)
    if first is None:
        return None
    named = {field: [given] for field, given in first.values.items()}
    end, links = place + first.size, set()
    while link := one_of(tokens, end, phrases(", or", ", and", "or", "nor", "and", ",")):
        begin = end + len(link)
        begin += text_at(tokens, begin) in DETERMINERS or at(tokens, begin, "by") or at(tokens, begin, "from")
        following = _one(tokens, begin, values, among)
        if following is None or not following.values.keys() & named.keys():
            break
        both = sorted(following.values.keys() & named.keys())
        named = {field: [*named[field], following.values[field]] for field in both}
        links.add(link[-1])
        end = begin + following.size
    return _Chain(named, end, frozenset(links if links == {","} else links - {","}))


def _one(tokens: Sequence[Token], place: int, values: Values, among: Sequence[FieldInfo]) -> _Named | None:
    whole = values.whole(tokens, place, among)
    if whole is not None or text_at(tokens, place - 1) in DETERMINERS:  # "the desk" is nobody's name
        return whole
    part = values.part(tokens, place, among)
    if part is None or not _ends(tokens, place + 1):  # "John Johnson" is not everybody called John
        return None
    alone = text_at(tokens, place - 1) not in ("or", "and") and text_at(tokens, place + 1) not in ("or", "and")
    return None if text_at(tokens, place) in MONTHS and alone else part


def _ends(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a name ends in front of a place, as far as the word there says."""
    if place >= len(tokens) or tokens[place].kind != "word":
        return True
    word = tokens[place].text
    return word in FUNCTION_WORDS or word in _FOLLOWING or word.endswith(("ed", "ing"))


def _found(start: int, chain: _Chain, values: Values) -> Found:
    if len(chain.values) > 1:
        return Found(start, chain.end, doubt=f"it may be of {' or '.join(sorted(chain.values))}", is_value=True)
    name, groups = next(iter(chain.values.items()))
    field = values.by_name[name]
    every = "and" in chain.links
    doubt = f"{name} has one value, and more are asked for" if every and not field.lists else ""
    if chain.links == {","} or (every and len(chain.links) > 1):
        doubt = "it may be read in two ways"
    if doubt:
        return Found(start, chain.end, doubt=doubt, is_value=True)
    filters: tuple[Leaf, ...]
    if every and any(len(group) > 1 for group in groups):
        filters = tuple(equal(field, group) for group in groups)
    else:
        filters = (equal(field, [value for group in groups for value in group], every=every),)
    return Found(start, chain.end, filters, is_value=True)


def _words(tokens: Sequence[Token], name: Sequence[Token] = ()) -> tuple[tuple[str, ...], ...]:
    """Return the words of each value, with those of the field where it is named."""
    values: list[list[str]] = [[]]
    for token in tokens:
        if token.text in ("and", "or", "nor", ","):
            values.append([])
        elif token.text not in DETERMINERS:
            values[-1].append(token.text)
    named = tuple(token.text for token in name)
    return tuple((*named, *words) for words in values if words)
