"""How deep a page nests, before a parser builds it.

A parser of HTML repairs what it reads. The time for that grows with the number of open elements at each tag, and
formatting elements that nobody closes are repeated in every block that follows. So a few hundred kilobytes of tags can
keep a parser busy for hours. This reads the tags once and never finds less nesting than the parser builds: an element
counts as open until its own end tag comes while it is the innermost one.
"""

from __future__ import annotations

import re
from collections import Counter

MAX_DEPTH = 5_000
_MAX_OPEN = 3_000_000_000
"""Open elements, summed over all tags: the parser passes about a billion of them in a second."""

_MAX_REPEATED = 1_000_000
"""Formatting elements, summed over all other tags: the parser makes about half a million of them in a second."""

_COPIES = 3
"""How many equal formatting elements a parser repeats at most."""

_VOID_TAGS = "area base br col embed hr img input link meta param source track wbr"
_UNCLOSED_TAGS = "html head body p li dt dd tr td th thead tbody tfoot option optgroup colgroup"
_NOT_NESTING = frozenset(f"{_VOID_TAGS} {_UNCLOSED_TAGS}".split())
_FORMATTING_TAGS = "a b big code em font i nobr s small strike strong tt u"
_HTML_INSIDE_TAGS = "foreignobject desc title annotation-xml mi mo mn ms mtext"
_LEAVING_TAGS = (
    "b big blockquote body br center code dd div dl dt em embed font h1 h2 h3 h4 h5 h6 head hr i img li listing menu "
    "meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var"
)
_FORMATTING = frozenset(_FORMATTING_TAGS.split())
_ALONE = frozenset({"a", "nobr"})  # one that begins closes the one before
_FOREIGN = frozenset({"svg", "math"})
_HTML_INSIDE = frozenset(_HTML_INSIDE_TAGS.split())
_LEAVES_FOREIGN = frozenset(_LEAVING_TAGS.split())
_TAG = re.compile(r"<!--(?:-?>|.*?--!?>|.*)|<(/?)([a-zA-Z][^\s/>]*)([^>]*)", re.DOTALL)
_END_OF_RAW = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


def excess(source: str) -> str:
    """Return what about the nesting of a page is too much to parse it, or an empty string."""
    page = _Page()
    at = 0
    while match := _TAG.search(source, at):
        at = match.end()
        if match[2] is None:  # a comment
            continue
        name = match[2].lower()
        if match[1]:
            page.close(name)
        else:
            raw = page.open(name, match[3])
            if raw:
                end = _END_OF_RAW[name].search(source, at)
                at = end.start() if end else len(source)
        if page.excess:
            return page.excess
    return ""


class _Page:
    """The elements that are open, at the least as many as a parser has."""

    def __init__(self) -> None:
        self.excess = ""
        self._tags: list[str] = []
        self._foreign: list[bool | None] = []  # whether what is inside each is SVG or MathML; None where it is unsure
        self._open = 0
        self._repeated = 0
        self._formatting: dict[str, list[str]] = {}
        self._copies: Counter[tuple[str, str]] = Counter()

    def open(self, name: str, attributes: str) -> bool:
        """Begin an element; return whether its content is raw text."""
        if name in _ALONE and self._tags[-1:] == [name]:
            self.close(name)
        inside = self._foreign[-1] if self._foreign else False
        if inside and name in _LEAVES_FOREIGN:
            self._leave_foreign(False)
            inside = False
        foreign = True if name in _FOREIGN else inside
        if foreign and attributes.endswith("/"):
            return False
        if foreign is False and name in _END_OF_RAW:
            return True
        if foreign is not False or name not in _NOT_NESTING:
            self._tags.append(name)
            self._foreign.append(False if name in _HTML_INSIDE else foreign)
        if name in _FORMATTING:
            self._format(name, attributes)
        self._count(name)
        return False

    def close(self, name: str) -> None:
        """End an element."""
        if self._tags and self._tags[-1] == name:
            self._tags.pop()
            self._foreign.pop()
        elif self._foreign and self._foreign[-1]:
            self._leave_foreign(None)  # ignored, or the end of all that is foreign
        if formatting := self._formatting.get(name):
            self._copies[name, formatting.pop()] -= 1
        self._count(name)

    def _leave_foreign(self, state: bool | None) -> None:
        at = len(self._foreign) - 1
        while at >= 0 and self._foreign[at]:
            self._foreign[at] = state
            at -= 1

    def _format(self, name: str, attributes: str) -> None:
        formatting = self._formatting.setdefault(name, [])
        if name in _ALONE and formatting:
            self._copies[name, formatting.pop()] -= 1
        if self._copies[name, attributes] < _COPIES:
            self._copies[name, attributes] += 1
            formatting.append(attributes)

    def _count(self, name: str) -> None:
        self._open += len(self._tags)
        if name not in _FORMATTING:
            self._repeated += sum(map(len, self._formatting.values()))
        if len(self._tags) > MAX_DEPTH:
            self.excess = f"HTML elements nested, or left open, more than {MAX_DEPTH:,} deep"
        elif self._open > _MAX_OPEN or self._repeated > _MAX_REPEATED:
            self.excess = "too many HTML elements inside of elements that are left open"
