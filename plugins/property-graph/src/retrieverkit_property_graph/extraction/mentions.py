"""Names in a sentence: quoted titles, and runs of words with capitals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from retrieverkit_property_graph.extraction.scripts import spaced_part

MAX_NAME_WORDS = 10
"""The most words of a name; what is longer, such as a heading in capitals, is cut."""
MAX_NAME_CHARS = 120
"""The most characters of a name."""


class Mention(NamedTuple):
    """A place in a sentence where an entity is named.

    Attributes:
        start: Where the name begins.
        end: Where it ends.
        name: The name as it is written there.
    """

    start: int
    end: int
    name: str


_Word = re.Match[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W_]+(?:[.'’‐‑–&-][^\W_]+)*|&")
_QUOTED = re.compile(
    r"“([^“”]{2,120})”|(?<!\w)\"([^\"]{2,120})\"(?!\w)|``\s?([^`]{2,120}?)\s?''|«\s?([^«»]{2,120}?)\s?»|„([^„“”]{2,120})[“”]"
    r"|「([^「」]{1,60})」|『([^『』]{1,60})』|《([^《》]{1,60})》"
)
_INSIDE = _words("of for & de von van der den del della di da do dos du la le les el los las al bin ibn af av zu zur")
"""Words without a capital that may stand inside a name."""
_AFTER_THESE = frozenset({"the", "la", "los", "las", "der", "den"})
"""Words that may follow one of those inside a name: the Bank *of the* West."""
_OPENERS = _words(
    """above across after again against all along although am among another any around because before behind being
    below besides between both can currently despite during each eventually every few finally first following
    further furthermore given he hence her here his however i if instead later like many meanwhile moreover most
    much my near nevertheless no nor not now often on once one only originally other our outside over per please
    recently several she since so some soon still such than then though through throughout thus today together
    two under unlike until upon we well when whenever whereas whether while whose within without yet you your"""
)
"""English words that begin sentences and are not stop words of an index."""
_INITIAL_CHARS = 3
_WRAPPED_CHARS = 40  # a shorter line is an item of a list or a heading, and no name goes on in the next one
_POSSESSIVE = ("'s", "’s", "'S", "’S")


class Names:
    """Finds the names in sentences.

    Args:
        is_stop_word: Says of a word whether it is too common to begin a name, or to be one.
    """

    def __init__(self, is_stop_word: Callable[[str], bool]) -> None:
        self._is_stop_word = is_stop_word

    def find(self, sentence: str, plain: AbstractSet[str]) -> list[Mention]:
        """Return the names in a sentence, in their order; none lies in another.

        Args:
            sentence: The sentence.
            plain: The words that the text around it writes without a capital. A first word of a sentence that is one
                of them says nothing by its capital.
        """
        found = list(_quoted(sentence))
        if not in_capitals(sentence):
            found += (name for name in self._capitalised(sentence, plain) if free(name, found))
        return sorted(found)

    def _capitalised(self, sentence: str, plain: AbstractSet[str]) -> Iterator[Mention]:
        words = list(_WORD.finditer(spaced_part(sentence)))
        end = 0
        for at, word in enumerate(words):
            if at >= end and _has_capital(word[0]):
                end = _end_of_run(sentence, words, at)
                start = at - 1 if at and _is_day(words[at - 1][0]) and _is_joined(sentence, words, at) else at
                yield from self._name(sentence, words[start:end], plain, initial=start == 0)

    def _name(
        self, sentence: str, run: Sequence[_Word], plain: AbstractSet[str], *, initial: bool
    ) -> Iterator[Mention]:
        """Yield the name that a run of words is, if it is one, without what only stands before it."""
        if initial and _says_nothing(run[0][0], plain):
            run = run[1:]
        while run and self._is_stop_word(run[0][0]):
            run = run[1:]
        if not any(_has_capital(word[0]) for word in run):
            return
        start, end = run[0].start(), run[-1].end()
        text = sentence[start:end]
        if text.endswith(_POSSESSIVE):
            text = text[:-2]
        elif "." in run[-1][0] and sentence[end : end + 1] == ".":
            text += "."
        if 1 < len(text) <= MAX_NAME_CHARS:
            yield Mention(start, start + len(text), on_one_line(text))


def free(mention: Mention, taken: Sequence[Mention]) -> bool:
    """Return whether a mention overlaps with none of those that are taken."""
    return all(mention.end <= other.start or other.end <= mention.start for other in taken)


def on_one_line(name: str) -> str:
    """Return a name with one space for the white space between two words."""
    return " ".join(name.split())


def in_capitals(sentence: str) -> bool:
    """Return whether most letters of a sentence of several words are capitals, so that they say nothing."""
    capitals = sum(map(str.isupper, sentence))
    return capitals > sum(map(str.islower, sentence)) and sentence.count(" ") > 1


def _quoted(sentence: str) -> Iterator[Mention]:
    for match in _QUOTED.finditer(sentence):
        text = match.group(match.lastindex or 0)
        name = text.strip(" ,.;")
        if _begins_and_ends_as_title(name) and len(name.split()) <= MAX_NAME_WORDS:
            start = match.start(match.lastindex or 0) + text.index(name)
            yield Mention(start, start + len(name), on_one_line(name))


def _begins_and_ends_as_title(text: str) -> bool:
    """Return whether a text between quotation marks may be a title: not a word in small letters, and not code."""
    return text[:1].isalnum() and text[0] == text[0].upper() and (text[-1].isalnum() or text[-1] in "!?)…")


def _end_of_run(sentence: str, words: Sequence[_Word], at: int) -> int:
    """Return the place behind the last word of the run of capitals that begins at ``at``."""
    end = following = at + 1
    while following < len(words) and following - at < MAX_NAME_WORDS:
        word, before = words[following][0], words[following - 1][0]
        if not _is_joined(sentence, words, following) or before.endswith(_POSSESSIVE):
            break
        if _has_capital(word) or (word.isdecimal() and end == following):
            end = following + 1
        elif not _may_stand_inside(word, before):
            break
        following += 1
    return end


def _may_stand_inside(word: str, before: str) -> bool:
    return word in _INSIDE or (word in _AFTER_THESE and before in _INSIDE)


def _is_joined(sentence: str, words: Sequence[_Word], at: int) -> bool:
    """Return whether only a space is between a word and the one before it, or the full stop of an initial."""
    start, end = words[at - 1].end(), words[at].start()
    gap = sentence[start:end]
    if gap == " ":
        return True
    if gap.startswith(".") and _ends_in_initial(words[at - 1][0]):
        gap = gap[1:] or " "
    if "\n" in gap and start - sentence.rfind("\n", 0, start) < _WRAPPED_CHARS:
        return False
    return gap.isspace() and len(gap) <= 2


def _says_nothing(word: str, plain: AbstractSet[str]) -> bool:
    """Return whether the capital of a sentence's first word does not make it a name."""
    return word[1:].islower() and (word.lower() in plain or opens(word))


def opens(word: str) -> bool:
    """Return whether a word is one of those that begin sentences and say nothing of what they are about."""
    return word.lower() in _OPENERS


def _has_capital(word: str) -> bool:
    return not word.islower() and word != word.lower()


def _ends_in_initial(word: str) -> bool:
    """Return whether a full stop behind a word may be part of a name, as in J. R. R., St. and D.C."""
    return (_has_capital(word) and len(word) <= _INITIAL_CHARS) or "." in word


def _is_day(word: str) -> bool:
    """Return whether a word may be the day of a date."""
    return word.isdecimal() and len(word) <= 2
