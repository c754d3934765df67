r"""What a text must hold for a regular expression to match in it.

Only what is certain is said: a pattern with syntax that is not known here requires nothing, and every text is searched.
Case does not matter, as the trigrams have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_COUNT = re.compile(r"\{(\d+)(?:,\d*)?\}")
_GROUP = re.compile(r"\?(?:P?<[A-Za-z_]\w*>|[:>]|[ims]+[:)]|(?P<around><?[=!]))")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_ANY = frozenset("dDwWsSbBAZ")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Every:
    """All of these must be there: literals, or groups of which one must be.

    Attributes:
        parts: What must be there; where there is nothing, any text may match.
    """

    parts: tuple[str | OneOf, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these must be there.

    Attributes:
        branches: The choices.
    """

    branches: tuple[Every, ...]


NOTHING = Every()


class _UnsureError(Exception):
    """There is something in the pattern that is not known here."""


def required(pattern: str) -> Every:
    """Return what must be in a text for ``pattern`` to match in it."""
    try:
        reader = _Reader(pattern)
        found = reader.branches(0)
        return found if reader.at == len(pattern) else NOTHING
    except _UnsureError:
        return NOTHING


class _Branch:
    """What one branch of an alternation requires, as far as it was read."""

    def __init__(self) -> None:
        self.parts: list[str | OneOf] = []
        self.literal = ""

    def end_literal(self) -> None:
        if self.literal:
            self.parts.append(self.literal)
        self.literal = ""

    def take_back(self) -> None:
        """The letter that was read last need not be there."""
        self.literal = self.literal[:-1]
        self.end_literal()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def branches(self, depth: int) -> Every:
        """Read up to a closing bracket, or the end."""
        if depth > _DEEPEST:
            raise _UnsureError
        branches = [self.branch(depth)]
        while self.next_is("|"):
            self.at += 1
            branches.append(self.branch(depth))
        if len(branches) == 1:
            return branches[0]
        return Every((OneOf(tuple(branches)),)) if all(branch.parts for branch in branches) else NOTHING

    def branch(self, depth: int) -> Every:
        branch = _Branch()
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            letter = self.pattern[self.at]
            group: Every | None = None
            is_letter = False
            if letter == "(":
                group = self.group(depth)
            elif letter == "[":
                self.character_class()
            elif letter == "\\":
                is_letter = self.escape(branch)
            elif letter in ".^$":
                self.at += 1
            elif letter in "*+?{":
                raise _UnsureError
            else:
                branch.literal += letter
                self.at += 1
                is_letter = True
            least, most_is_least = self.quantifier()
            if is_letter:
                if not least:
                    branch.take_back()
                elif not most_is_least:
                    branch.end_literal()
                continue
            branch.end_literal()
            if group is not None and least:
                branch.parts += group.parts
        branch.end_literal()
        return Every(tuple(branch.parts))

    def group(self, depth: int) -> Every:
        self.at += 1
        around = False
        if self.next_is("?"):
            kind = _GROUP.match(self.pattern, self.at)
            if kind is None:
                raise _UnsureError
            self.at = kind.end()
            around = kind["around"] is not None
            if kind[0].endswith(")"):  # flags for all that follows
                return NOTHING
        elif self.next_is("*"):
            raise _UnsureError
        inner = self.branches(depth + 1)
        if not self.next_is(")"):
            raise _UnsureError
        self.at += 1
        return NOTHING if around else inner

    def character_class(self) -> None:
        self.at += 1
        if self.next_is("^"):
            self.at += 1
        if self.next_is("]"):
            self.at += 1
        while not self.next_is("]"):
            if self.at >= len(self.pattern) or self.next_is("["):
                raise _UnsureError
            self.at += 2 if self.next_is("\\") else 1
        self.at += 1

    def escape(self, branch: _Branch) -> bool:
        """Read an escape; return whether it is a letter."""
        after = self.pattern[self.at + 1 : self.at + 2]
        self.at += 2
        if after in _ANY and after:
            return False
        if after in _LETTERS:
            branch.literal += _LETTERS[after]
        elif after and after.isascii() and not after.isalnum():
            branch.literal += after
        else:
            raise _UnsureError
        return True

    def quantifier(self) -> tuple[bool, bool]:
        """Read how often; return whether it is at least once, and whether it is exactly once."""
        least, once = True, True
        letter = self.pattern[self.at : self.at + 1]
        if letter and letter in "*+?":
            least, once = letter == "+", False
            self.at += 1
        elif letter == "{":
            count = _COUNT.match(self.pattern, self.at)
            if count is None:
                raise _UnsureError
            least, once = int(count[1]) > 0, False
            self.at = count.end()
        if not once and self.pattern[self.at : self.at + 1] in ("?", "+"):
            self.at += 1
        return least, once

    def next_is(self, letter: str) -> bool:
        return self.pattern.startswith(letter, self.at)
