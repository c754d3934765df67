"""A question as tokens, and the English words that rules know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from retrieverkit_auto.fields import singular, words_of

_TOKEN = re.compile(
    r"(?P<date>(?<![\d-])\d{4}-\d{2}(?:-\d{2})?(?![\d-]))"
    r"|(?P<decade>\b(?:\d{4}|\d0)['’]?s\b)"
    r"|(?P<minus>(?<!\S)[-−]\d+(?:\.\d+)?(?!\w))"
    r"|(?P<number>(?<!\w)\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<!\w)\d+(?:\.\d+)?(?!\w))"
    r"|(?P<word>[^\W_]+)"
    r"|(?P<sign><=|>=|==|!=|[<>=:,;?!$€£%/()]|(?<=\d)\s?[-–]\s?(?=\d))"
)


class Token(NamedTuple):
    """A part of a question.

    Attributes:
        kind: ``date``, ``decade``, ``number``, ``word`` or ``sign``.
        text: As it stands there, in lower case.
        start: Where it begins.
        end: Where it ends.
    """

    kind: str
    text: str
    start: int
    end: int


def tokens_of(question: str) -> list[Token]:
    """Return the parts of a question; hyphens, apostrophes and full stops between words are none."""
    found = []
    for match in _TOKEN.finditer(question):
        kind = match.lastgroup or "word"
        text = match[0].lower().strip().replace("–", "-").replace("−", "-")
        found.append(Token("number" if kind == "minus" else kind, text, match.start(), match.end()))
    return found


def at(tokens: Sequence[Token], place: int, *phrase: str) -> bool:
    """Return whether a phrase stands at a place."""
    if place < 0 or place + len(phrase) > len(tokens):
        return False
    return all(tokens[place + n].text == word for n, word in enumerate(phrase))


def one_of(tokens: Sequence[Token], place: int, phrases: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the first of ``phrases`` that stands at a place; give the longer ones first."""
    return next((phrase for phrase in phrases if at(tokens, place, *phrase)), None)


def text_at(tokens: Sequence[Token], place: int) -> str:
    """Return the token at a place, "" outside of the question."""
    return tokens[place].text if 0 <= place < len(tokens) else ""


def phrases(*texts: str) -> list[tuple[str, ...]]:
    """Return phrases as their words, the longest first."""
    return sorted((tuple(text.split()) for text in texts), key=len, reverse=True)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written with blanks between them."""
    return frozenset(text.split())


_NUMBER_WORDS = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
_MONTH_WORDS = """january jan, february feb, march mar, april apr, may, june jun, july jul, august aug,
september sept sep, october oct, november nov, december dec"""

COUNTS = {word: number for number, word in enumerate(_NUMBER_WORDS.split(), 1)}
MONTHS = {name: number for number, names in enumerate(_MONTH_WORDS.split(","), 1) for name in names.split()}
DECADES = {
    "thirties": 1930,
    "forties": 1940,
    "fifties": 1950,
    "sixties": 1960,
    "seventies": 1970,
    "eighties": 1980,
    "nineties": 1990,
}
"""Those that are of one century, as people speak."""

DETERMINERS = word_set("the a an any some its their his her our my this these")
NEGATIONS = word_set("not no nor non without except excluding never isn aren don doesn wasn weren")
"""Words that turn what follows around; of ``isn't`` the first part."""
DENIALS = word_set("not never nothing nobody none cannot hardly barely scarcely rarely seldom avoid avoiding")
"""Words that deny all that follows in their clause."""
HEDGES = word_set("ideally preferably possible possibly maybe perhaps")
"""What is asked for with one of these need not be so."""

FUNCTION_WORDS = word_set(
    "of is are was were be to in on at by for from with without and or nor not that which who whose when where "
    "while if as than then so but about into over under after before since until between the a an it its this "
    "these neither i me us we you he him she her they them either do does did can could will would "
    "should may might must has have had"
)
SUBJECTS = word_set("about on of regarding concerning describing discussing explaining describes covers covering")
"""What comes after one of these is a subject, not a property of what is searched."""

COMPARES = word_set(
    "than like unlike similar versus vs citing cites cite cited quoting quotes mentioning mentions mentioned "
    "comparing compared compare inspired replying responding reply replies answer answers response "
    "except excluding unless resembling preceding following instead"
)
"""What comes after one of these is said of something else."""

REQUESTS = phrases(
    "show me",
    "show",
    "give me",
    "list",
    "get me",
    "get",
    "find me",
    "find",
    "tell me about",
    "recommend",
    "suggest",
    "i want",
    "i need",
    "looking for",
    "search for",
    "please",
    "what are the",
    "which are the",
    "all",
    "any",
    "some",
    "a",
    "an",
)
DOCUMENTS = word_set(
    "paper article report book document publication study thesis review survey work film movie song album "
    "message mail email note letter post issue ticket product item thing result hit story recipe"
)
"""Nouns for what people search for, singular."""

PUBLISHING = word_set("published released written issued dated made from appeared work works")
"""Verbs that say when what is searched for came out."""


_SAYING_NOTHING = (
    FUNCTION_WORDS | DETERMINERS | DOCUMENTS | word_set("".join(f" {' '.join(each)}" for each in REQUESTS))
)


def says_nothing(text: str, content: str = "") -> bool:
    """Return whether a text has no word to search for: ``papers``, ``show me all messages``.

    Args:
        text: The text.
        content: What all documents are, in words: these words tell none of them from others.
    """
    nothing = _SAYING_NOTHING | {singular(word) for word in words_of(content)}
    told = [token.text for token in tokens_of(text) if token.kind != "sign"]
    return all(word in nothing or singular(word) in nothing for word in told)


_DONE = word_set(
    "built born made sold flown begun shot lost won fought sunk died grown drawn known held seen set found taken lived "
    "began broke came fell flew drew drank drove drunk heard kept knew left met rose sang sank saw spoke stood taught "
    "told took went wore live life was were"
)


def is_of_something_else(before: str) -> bool:
    """Return whether a word says that something was done, other than to be published: ``built``, ``living``."""
    if before in PUBLISHING or len(before) <= 2:
        return False
    return before in _DONE or (len(before) > 4 and before.endswith(("ed", "ing")))
