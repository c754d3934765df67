"""Numbers: comparisons and ranges, where the words around a number say which field it is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from retrieverkit_auto.fields import FieldInfo, singular
from retrieverkit_auto.rules.found import Found, Leaf
from retrieverkit_auto.rules.words import COUNTS, Token, at, one_of, phrases, text_at, word_set
from retrieverkit_auto.schema import Schema
from retrieverkit_core.filters import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

_MORE, _LESS, _LEAST, _MOST, _EXACT = ">", "<", ">=", "<=", "=="
_WAYS: dict[tuple[str, ...], str] = {
    **dict.fromkeys(
        phrases("at least", "no less than", "not less than", "no fewer than", "a minimum of", ">="), _LEAST
    ),
    **dict.fromkeys(phrases("at most", "no more than", "not more than", "up to", "a maximum of", "<="), _MOST),
    **dict.fromkeys(phrases("more than", "greater than", "higher than", "larger than", "over", "above", ">"), _MORE),
    **dict.fromkeys(phrases("less than", "fewer than", "lower than", "smaller than", "under", "below", "<"), _LESS),
    **dict.fromkeys(phrases("longer than", "heavier than", "older than", "more expensive than", "dearer than"), _MORE),
    **dict.fromkeys(phrases("shorter than", "lighter than", "younger than", "less expensive than"), _LESS),
    **dict.fromkeys(phrases("cheaper than", "costs less than", "costing less than"), _LESS),
    **dict.fromkeys(phrases("exactly", "=", "=="), _EXACT),
}
_COMPARATORS = sorted(_WAYS, key=len, reverse=True)
_BEHIND: dict[tuple[str, ...], str] = {
    **dict.fromkeys(phrases("or more", "or higher", "or above", "or over", "or better", "or longer", "and up"), _LEAST),
    **dict.fromkeys(phrases("or less", "or lower", "or fewer", "or under", "or below", "or cheaper"), _MOST),
}
_IMPLIED = {"cheaper": "price", "dearer": "price", "expensive": "price", "costs": "price", "costing": "price",
            "heavier": "weight", "lighter": "weight", "older": "age", "younger": "age"}  # fmt: skip
"""What a comparison itself is of."""

_SAID = {"costs": "price", "costing": "price", "cost": "price", "priced": "price", "rated": "rating", "stars": "rating",
         "star": "rating", "weighing": "weight", "weighs": "weight", "cited": "citations"}  # fmt: skip
"""What verbs and units are of."""

_CONCEPTS = {
    "price": frozenset({"price", "cost"}),
    "rating": frozenset({"rating", "stars", "star"}),
    "weight": frozenset({"weight"}),
    "citations": frozenset({"citations", "citation"}),
    "age": frozenset({"age"}),
}
"""The words by which a field's name, or its description, says what it is."""

_MONEY = {"$": "usd", "dollar": "usd", "usd": "usd", "€": "eur", "euro": "eur", "eur": "eur", "£": "gbp",
          "pound": "gbp", "gbp": "gbp"}  # fmt: skip
_UNITS = word_set(
    "g kg mg t lb lbs oz gram kilogram kilo ton tonne ounce mm cm m km inch inches ft foot feet mile meter "
    "metre ml l litre liter second minute hour day week month year w kw kwh mah mb gb tb hz khz mhz ghz "
    "percent degree % people person mph kmh"
)
"""Words that say in what a number is counted, singular."""

_FILLERS = phrases("of", "is", "are", "was", ":", "being")
_HAVING = word_set("with having has have")


class _Number(NamedTuple):
    value: int | float
    size: int
    money: str


class _Asked(NamedTuple):
    """A comparison as it is written.

    Attributes:
        ways: The operators with their numbers; an operator is "" where none is written.
        named: The fields that are named in front of it, or None.
        implied: What the comparison itself is of, such as the price of ``cheaper than``.
        behind: The place behind the numbers.
    """

    ways: list[tuple[str, _Number]]
    named: list[FieldInfo] | None
    implied: str
    behind: int


class _Counted(NamedTuple):
    """What a number is counted in.

    Attributes:
        unit: The word behind it, if it is not money.
        fields: The fields that count in it.
        money: The currencies.
        behind: The place behind it.
    """

    unit: str
    fields: list[FieldInfo]
    money: set[str]
    behind: int


def find_number(tokens: Sequence[Token], place: int, schema: Schema) -> Found | None:
    """Return the comparison with a number at a place."""
    fields = _numbers(schema)
    asked = _asked(tokens, place, fields) if fields else None
    if asked is None:
        return None
    counted = _counted(tokens, asked.behind, asked, fields)
    after = one_of(tokens, counted.behind, list(_BEHIND))
    if after is not None and len(asked.ways) == 1 and asked.ways[0][0] in ("", _EXACT):
        asked = asked._replace(ways=[(_BEHIND[after], asked.ways[0][1])])
        counted = counted._replace(behind=counted.behind + len(after))
        if not counted.fields and not counted.money:  # "4 or more stars"
            counted = _counted(tokens, counted.behind, asked, fields)
    exact = asked.ways[0][0] == ""
    if exact and not _is_exact(tokens, place, asked.named, counted):
        return None
    said_at_all = asked.named is not None or asked.implied or counted.fields or counted.money
    candidates = _candidates(asked, counted, fields) if said_at_all else []
    doubt = _doubt(tokens, asked, counted, candidates, schema) if said_at_all else "it names no field"
    if doubt:
        return None if exact else Found(place, counted.behind, doubt=doubt)
    leaves = tuple(_leaf(candidates[0], way or _EXACT, number.value) for way, number in asked.ways)
    in_words = exact and asked.named is not None and not counted.money and text_at(tokens, place + 1) in ("of", "is")
    return Found(place, counted.behind, leaves, evidence=((text_at(tokens, place),),) if in_words else ())


def _asked(tokens: Sequence[Token], place: int, fields: Sequence[FieldInfo]) -> _Asked | None:
    named, behind = _named(tokens, place, fields)
    behind += len(one_of(tokens, behind, _FILLERS) or ()) if named is not None else 0
    ends = _range(tokens, behind)
    if ends is not None:
        low, high, behind = ends
        return _Asked([(_LEAST, low), (_MOST, high)], named, "", behind)
    comparator = one_of(tokens, behind, _COMPARATORS) or ()
    number = _number(tokens, behind + len(comparator))
    if number is None:
        return None
    implied = next((_IMPLIED[word] for word in comparator if word in _IMPLIED), "")
    way = _WAYS[comparator] if comparator else ""
    return _Asked([(way, number)], named, implied, behind + len(comparator) + number.size)


def _counted(tokens: Sequence[Token], behind: int, asked: _Asked, fields: Sequence[FieldInfo]) -> _Counted:
    money = {number.money for _, number in asked.ways} - {""}
    unit = singular(text_at(tokens, behind))
    if unit in _MONEY:
        return _Counted("", [], money | {_MONEY[unit]}, behind + 1)
    if unit == "time" and asked.named is not None and "cited" in (token.text for token in tokens[:behind]):
        return _Counted("", [], money, behind + 1)
    counting = [field for field in fields if unit and _counts_in(field, unit)]
    return _Counted(unit, counting, money, behind + bool(counting))


def _candidates(asked: _Asked, counted: _Counted, fields: Sequence[FieldInfo]) -> list[FieldInfo]:
    """Return the fields that everything that is said allows."""
    allowed = (
        asked.named,
        counted.fields or None,
        _of_concept(fields, asked.implied),
        _of_money(fields, counted.money),
    )
    return [field for field in fields if all(known is None or field in known for known in allowed)]


def _doubt(
    tokens: Sequence[Token], asked: _Asked, counted: _Counted, candidates: Sequence[FieldInfo], schema: Schema
) -> str:
    names = " or ".join(field.name for field in candidates)
    if not candidates:
        return "no field of numbers is named so"
    if counted.unit in _UNITS and not counted.fields and (asked.implied or asked.named):
        return f"{names} may count in other units"
    if len(candidates) > 1:
        return f"it may be of {names}"
    by_unit_alone = asked.named is None and not asked.implied and not counted.money
    of_what = text_at(tokens, counted.behind + 1) if text_at(tokens, counted.behind) == "of" else ""
    if by_unit_alone and of_what and singular(of_what) not in map(singular, candidates[0].words):
        return "it may be so much of something"
    if by_unit_alone and _is_said_elsewhere(candidates[0], counted.unit, schema):
        return f"texts of nodes without {names} speak of {counted.unit!r} too"
    return ""


def _numbers(schema: Schema) -> list[FieldInfo]:
    return [
        field for field in schema.fields if field.kind == "number" and not field.lists and "year" not in field.meanings
    ]


def _is_said_elsewhere(field: FieldInfo, unit: str, schema: Schema) -> bool:
    """Return whether a unit is that of other things too: where only its field has it, it can mean nothing else."""
    has_none = MetadataFilter(field.name, None, FilterOperator.IS_EMPTY)
    return schema.is_word_elsewhere(MetadataFilters([has_none], FilterCondition.NOT), (unit,))


def _leaf(field: FieldInfo, way: str, value: int | float) -> Leaf:
    return MetadataFilter(field.name, value, FilterOperator(way))


def _is_exact(tokens: Sequence[Token], place: int, named: list[FieldInfo] | None, counted: _Counted) -> bool:
    """Return whether a number without a comparison is asked for: ``price: 45``, ``costs $50``, ``with 3 pages``."""
    if named is not None and any(text_at(tokens, place + n) in (":", "of", "is") for n in (1, 2)):
        return True
    if named is not None and counted.money and text_at(tokens, place) in _SAID:
        return True
    return named is None and bool(counted.fields) and text_at(tokens, place - 1) in _HAVING


def _named(tokens: Sequence[Token], place: int, fields: Sequence[FieldInfo]) -> tuple[list[FieldInfo] | None, int]:
    """Return the fields that are named at a place, and where to read on."""
    best: list[FieldInfo] = []
    size = 0
    for field in fields:
        for words in _spoken(field):
            if len(words) >= size and all(
                singular(text_at(tokens, place + n)) == singular(word) for n, word in enumerate(words)
            ):
                best = [*(best if len(words) == size else []), field]
                size = len(words)
    if best:
        return best, place + size
    concept = _SAID.get(text_at(tokens, place))
    known = _of_concept(fields, concept) if concept not in (None, "") and text_at(tokens, place)[:4] != "star" else None
    return (known, place + 1) if known else (None, place)


def _spoken(field: FieldInfo) -> list[tuple[str, ...]]:
    """Return what a field is called: its name, also without the unit at its end."""
    words = field.words
    if not words:
        return []
    return [words, words[:-1]] if len(words) > 1 and singular(words[-1]) in _UNITS else [words]


def _counts_in(field: FieldInfo, unit: str) -> bool:
    if unit in ("star",) and field.meanings & _CONCEPTS["rating"]:
        return True
    ends = {singular(word) for word in field.words[-1:]} | ({singular(field.words[0])} if field.words else set())
    return unit in ends


def _of_concept(fields: Sequence[FieldInfo], concept: str | None) -> list[FieldInfo] | None:
    """Return the fields that are, by their names or else by their descriptions, of a concept."""
    if not concept:
        return None
    words = _CONCEPTS[concept]
    by_name = [field for field in fields if words.intersection(field.words)]
    return by_name or [field for field in fields if words & field.meanings]


def _of_money(fields: Sequence[FieldInfo], money: set[str]) -> list[FieldInfo] | None:
    if not money:
        return None
    priced = _of_concept(fields, "price") or []
    asked = next(iter(money)) if len(money) == 1 else None
    in_words = {field: {_MONEY[word] for word in map(singular, field.meanings) if word in _MONEY} for field in priced}
    return [field for field in priced if asked is not None and in_words[field] <= {asked}]


def _range(tokens: Sequence[Token], place: int) -> tuple[_Number, _Number, int] | None:
    begin = place + (1 if at(tokens, place, "between") or at(tokens, place, "from") else 0)
    links = ("and",) if at(tokens, place, "between") else ("to",) if begin > place else ("to", "-")
    low = _number(tokens, begin)
    if low is None or text_at(tokens, begin + low.size) not in links:
        return None
    high = _number(tokens, begin + low.size + 1)
    if high is None or low.value > high.value:
        return None
    return low, high, begin + low.size + 1 + high.size


def _number(tokens: Sequence[Token], place: int) -> _Number | None:
    money = _MONEY.get(text_at(tokens, place), "") if text_at(tokens, place) in "$€£" else ""
    at_number = place + bool(money)
    if at_number >= len(tokens):
        return None
    token = tokens[at_number]
    if token.kind == "number" and len(token.text) < 16:
        plain = token.text.replace(",", "")
        value: int | float = float(plain) if "." in plain else int(plain)
    elif token.text in COUNTS and not money:
        value = COUNTS[token.text]
    else:
        return None
    size = 1 + bool(money)
    following = text_at(tokens, at_number + 1)
    if following in _FACTORS or _is_written_otherwise(tokens, at_number):
        return None
    if following in ("€", "£", "$") and not money:
        return _Number(value, 2, _MONEY[following])
    return _Number(value, size, money)


_FACTORS = word_set("/ % k m bn hundred thousand million billion dozen percent")


def _is_written_otherwise(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a number may be one of another country: ``1.000`` and ``2,50`` mean different things there."""
    whole, dot, decimals = tokens[place].text.partition(".")
    if dot and len(decimals) == 3 and len(whole) <= 3:
        return True
    glued = tokens[place : place + 3]
    return (
        len(glued) == 3
        and glued[1].text == ","
        and glued[2].kind == "number"
        and glued[0].end == glued[1].start
        and glued[1].end == glued[2].start
    )
