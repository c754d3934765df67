"""From a question to a spec: every rule is tried at every place, what is not certain is left where it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, zip_longest

from retrieverkit_auto.fields import singular
from retrieverkit_auto.rules.counts import find_count, is_request
from retrieverkit_auto.rules.flags import find_flag
from retrieverkit_auto.rules.found import Found, Leaf, other_sense
from retrieverkit_auto.rules.numbers import find_number
from retrieverkit_auto.rules.times import find_time
from retrieverkit_auto.rules.values import find_value
from retrieverkit_auto.rules.words import (
    COMPARES,
    DENIALS,
    DETERMINERS,
    HEDGES,
    NEGATIONS,
    SUBJECTS,
    Token,
    says_nothing,
    text_at,
    tokens_of,
    word_set,
)
from retrieverkit_auto.schema import Schema
from retrieverkit_auto.spec import AutoSpec
from retrieverkit_core.errors import shorten
from retrieverkit_core.filters import FilterOperator, MetadataFilter, MetadataFilters

MAX_QUESTION = 2_000
"""A longer text is a document, not a question: no rule reads it."""

ENGLISH = "en"


def read(question: str, schema: Schema, *, max_top_k: int, content: str = "") -> AutoSpec:
    """Return what a question asks for.

    Args:
        question: The question.
        schema: The fields and values that it may be about.
        max_top_k: The most hits that a question may ask for.
        content: What the documents are, in words.
    """
    if len(question) > MAX_QUESTION:
        return AutoSpec(query=question, notes=("filters: none; the question is longer than rules read",))
    tokens = tokens_of(question)
    parts = [
        replace(part, doubt=part.doubt or _compound(part, tokens, question))
        for part in _certain(_parts(tokens, schema), tokens, schema, content)
    ]
    parts = [replace(part, doubt=part.doubt or _contradiction(part, parts)) for part in parts]
    taken = [part for part in parts if not part.doubt]
    tree = _tree([leaf for part in taken for leaf in part.filters])
    counts = {part.top_k for part in taken if part.top_k is not None}
    top_k = min(counts) if counts else None
    notes = [f"filters: {'none' if tree is None else tree}"]
    if top_k is not None:
        notes.append(f"top_k: {top_k}" if top_k <= max_top_k else f"top_k: {max_top_k}, not {top_k}: max_top_k")
        top_k = min(top_k, max_top_k)
    for part in parts:
        if part.doubt:
            words = question[tokens[part.start].start : tokens[part.end - 1].end]
            notes.append(f"left in the query: {shorten(repr(words))}, as {part.doubt}")
    if schema.language != ENGLISH:
        notes.append(f"the rules read English; the index is in {schema.language!r}")
    rest = _rest(question, tokens, taken)
    ranks = not says_nothing(rest, content)
    return AutoSpec(query=rest if ranks else question, filters=tree, top_k=top_k, ranks=ranks, notes=tuple(notes))


def _tree(leaves: Sequence[Leaf]) -> MetadataFilters | None:
    return MetadataFilters(list(dict.fromkeys(leaves))) if leaves else None


def _parts(tokens: Sequence[Token], schema: Schema) -> list[Found]:
    """Return what is found from left to right, of several at one place the longest."""
    parts: list[Found] = []
    place, head = 0, True
    while place < len(tokens):
        found = [
            find_count(tokens, place, schema, head),
            find_time(tokens, place, schema),
            find_number(tokens, place, schema),
            find_flag(tokens, place, schema, head),
            find_value(tokens, place, schema, head),
        ]
        best = max(
            (each for each in found if each is not None), key=lambda each: (each.end, not each.doubt), default=None
        )
        if best is not None:
            parts.append(best)
            place = best.end
            continue
        request = is_request(tokens, place) if head else 0
        head = head and (bool(request) or text_at(tokens, place) in (",", "best"))
        place += request or 1
    return parts


def _certain(parts: Sequence[Found], tokens: Sequence[Token], schema: Schema, content: str) -> list[Found]:
    """Return the parts, those with a doubt that are not certain where they stand."""
    compared = next((n for n, token in enumerate(tokens) if token.text in COMPARES and not _inside(n, parts)), None)
    made: list[Found] = []
    for part, following in zip_longest(parts, parts[1:]):
        doubt = part.doubt or _doubt(part, parts, tokens, compared)
        if part.is_bare and not doubt:
            doubt = _phrase(part, following, tokens, schema, content)
        made.append(replace(part, doubt=doubt or _scope(part, parts, tokens) or other_sense(part, schema)))
    return made


def _scope(part: Found, parts: Sequence[Found], tokens: Sequence[Token]) -> str:
    """Return why a part and the one it touches are in doubt: ``no pop after 1985`` does not want what is older."""
    for first, second in pairwise(parts):
        if part in (first, second) and first.end == second.start and text_at(tokens, first.start) in ("no", "without"):
            return f"{text_at(tokens, first.start)!r} may be said of both or of one"
    return ""


def _phrase(part: Found, following: Found | None, tokens: Sequence[Token], schema: Schema, content: str) -> str:
    """Return why a value does not describe what follows it: ``red wine`` is not wine from the nodes that are red."""
    tree, word = MetadataFilters(list(part.filters)), text_at(tokens, part.end)
    if following is not None and part.end == following.start:
        return "" if following.is_bare else "it may be what is searched for"
    if word == "," or says_nothing(word, content) or schema.is_word_within(tree, word):
        return ""
    if singular(word) != word and not schema.is_word(word):  # shoes are sought, summer may be a part of "Indian summer"
        return ""
    return f"it may be {tree}, and no such node speaks of {word!r}"


def _contradiction(part: Found, parts: Sequence[Found]) -> str:
    """Return why a value is not certain where another value of its field is asked for, and no node has both."""
    wanted = _only_values(part)
    for other in parts:
        for name, values in _only_values(other).items() if not other.doubt else ():
            if values.isdisjoint(wanted.get(name, values)):
                return f"{name} has one value, and more are asked for"
    return ""


def _only_values(part: Found) -> dict[str, set[object]]:
    """Return the values that a part leaves of each field whose nodes have one."""
    return {
        leaf.key: set(leaf.value) if isinstance(leaf.value, tuple) else {leaf.value}
        for leaf in part.filters
        if isinstance(leaf, MetadataFilter) and leaf.operator in (FilterOperator.EQ, FilterOperator.IN)
    }


def _compound(part: Found, tokens: Sequence[Token], question: str) -> str:
    """Return why a value is not meant where it is half of a word: ``red-hot``."""
    if not part.is_value:
        return ""
    edges = (part.start - 1, part.end - 1)
    glued = any(
        0 <= at < len(tokens) - 1 and question[tokens[at].end : tokens[at + 1].start] in ("-", "'", "’") for at in edges
    )
    return "it is a part of a word" if glued else ""


def _doubt(part: Found, parts: Sequence[Found], tokens: Sequence[Token], compared: int | None) -> str:
    if text_at(tokens, 0) in _WHETHER and text_at(tokens, 1) not in _INVITING:
        return "the question may ask whether it is so"
    if text_at(tokens, 0) in _CIRCUMSTANCES and part.evidence and not part.is_value:
        return "it may be when something happened"
    flag = any(isinstance(leaf, MetadataFilter) and isinstance(leaf.value, bool) for leaf in part.filters)
    if flag and text_at(tokens, 0) in ("why", "how"):
        return "it may be what the question is about"
    if text_at(tokens, part.end) in COMPARES:
        return f"it stands before {text_at(tokens, part.end)!r}"
    if compared is not None and compared < part.start:
        return f"it stands behind {tokens[compared].text!r}"
    if part.top_k is not None:
        return ""
    hedge = next((token.text for token in tokens if token.text in HEDGES), None)
    if hedge is not None:
        return f"the question says {hedge!r}"
    denial = _denial(part, parts, tokens)
    if denial:
        return f"it stands behind {denial!r}"
    before = part.start - 1
    while text_at(tokens, before) in DETERMINERS or text_at(tokens, before) in ("been", "be", "being", "t"):
        before -= 1
    word = text_at(tokens, before)
    if word in NEGATIONS:
        return f"it stands behind {word!r}"
    if word == "or" or text_at(tokens, part.end) == "or":
        return "it is one of two ways to match"
    if word in SUBJECTS and part.is_value and not _inside(before, parts):
        return f"behind {word!r} it is a subject"
    return ""


def _denial(part: Found, parts: Sequence[Found], tokens: Sequence[Token]) -> str:
    """Return the word in front of a part, in its clause, that denies what follows: ``does not take more than 5``."""
    for place in range(part.start - 1, -1, -1):
        word = tokens[place].text
        if word in _CLAUSES:
            return ""
        told = word in DENIALS or (word == "t" and place > 0)  # "don't"
        told = told or (word == "no" and part.start - place <= 3)  # "no case before 2020"
        if told and not _inside(place, parts):
            return word if word != "t" else f"{tokens[place - 1].text}'t"
    return ""


def _inside(place: int, parts: Sequence[Found]) -> bool:
    return any(part.start <= place < part.end for part in parts)


_CLAUSES = word_set(", ; : ? ! but and or")
_WHETHER = word_set("is are was were do does did has have had can could will would should")
_INVITING = word_set("there any you we i")
_CIRCUMSTANCES = word_set("why when how where who whom what")
_LINKS = word_set("with having has have that which who where are is for published written")
_QUOTES = "\"'“”‘’"


def _rest(question: str, tokens: Sequence[Token], taken: Sequence[Found]) -> str:
    """Return the question without the parts that were read, and without what only linked them."""
    cut = []
    for part in taken:
        start = part.start
        while part.filters and text_at(tokens, start - 1) in _LINKS | DETERMINERS:
            start -= 1
        begin, end = tokens[start].start, tokens[part.end - 1].end
        begin -= begin > 0 and question[begin - 1] in _QUOTES
        cut.append((begin, end + (question[end : end + 1] in tuple(_QUOTES))))
    kept, place = [], 0
    for start, end in cut:
        kept.append(question[place : max(place, start)])
        place = end
    kept.append(question[place:])
    rest = " ".join(" ".join(kept).split())
    rest = re.sub(r"\s+([,.;:?!])", r"\1", rest)
    return re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", rest).strip(" ,;:-")
