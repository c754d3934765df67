"""What a retrieval would do and spend on models, said before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CHARS_PER_TOKEN = 4
"""How many characters of text are taken for one token where nobody has counted."""


def tokens_of(*texts: str) -> int:
    """Return about how many tokens texts have: one per four characters, rounded up."""
    return sum(-(-len(text) // CHARS_PER_TOKEN) for text in texts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one retriever would do for one query, and what it expects to spend itself.

    The numbers are what a run without failures takes; a retry or a repaired answer comes on top. None means that the
    retriever does not say.

    Attributes:
        name: The retriever, or the index that is built for it.
        does: What it would do, in one line.
        llm_calls: Times that it asks a language model.
        embedding_calls: Times that it asks a remote embedding model.
        tokens: About how many tokens language models read and write.
        once: Whether it is paid once, as building an index is, and not by every query.
        parts: What it has done by others: its legs, an index that is built first.
    """

    name: str
    does: str = ""
    llm_calls: int | None = 0
    embedding_calls: int | None = 0
    tokens: int | None = 0
    once: bool = False
    parts: tuple[Plan, ...] = ()

    @classmethod
    def unknown(cls, name: str, parts: Iterable[Plan] = ()) -> Plan:
        """Return the plan of a retriever that does not say what it spends."""
        return cls(name, "does not say what it spends", None, None, None, parts=tuple(parts))

    def walk(self) -> Iterator[Plan]:
        """Yield this plan and all parts of it, each before its own parts."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def complete(self) -> bool:
        """Whether every part says what it spends; if not, the totals are the least."""
        return all(None not in (plan.llm_calls, plan.embedding_calls, plan.tokens) for plan in self.walk())

    def total(self, limit: str) -> int:
        """Return the sum over all parts of what is expected of one limit, such as ``"llm_calls"``."""
        return sum(getattr(plan, limit) or 0 for plan in self.walk())

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as inert JSON."""
        told: dict[str, Any] = {"name": self.name, "does": self.does}
        told |= {"llm_calls": self.llm_calls, "embedding_calls": self.embedding_calls, "tokens": self.tokens}
        if self.once:
            told["once"] = True
        if self.parts:
            told["parts"] = [part.as_dict() for part in self.parts]
        return told

    def __str__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> Iterator[str]:
        yield f"{indent}{self.name}{': ' if self.does else ''}{self.does}{self._spends()}"
        for part in self.parts:
            yield from part._lines(indent + "  ")

    def _spends(self) -> str:
        told = [
            f"{amount} {what}"
            for amount, what in (
                (self.llm_calls, "model calls"),
                (self.embedding_calls, "embedding calls"),
                (self.tokens, "tokens"),
            )
            if amount
        ]
        return f" [{', '.join(told)}{', once' if self.once else ''}]" if told else ""
