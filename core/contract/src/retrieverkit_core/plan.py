"""What a retrieval would do and spend on models, said before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from retrieverkit_core.budget import LIMITS, Spent

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
        """Return the sum over all parts of what is expected of one limit, such as ``"llm_calls"``.

        What is paid once counts once, in however many parts it stands: two legs may need one index.
        """
        return sum(getattr(plan, limit) or 0 for plan in self._paid(set()))

    def _paid(self, known: set[Plan]) -> Iterator[Plan]:
        if self.once:
            if self in known:
                return
            known.add(self)
        yield self
        for part in self.parts:
            yield from part._paid(known)

    @property
    def spends(self) -> bool:
        """Whether something is spent, or may be."""
        return not self.complete or any(self.total(limit) for limit in LIMITS)

    def without_once(self) -> Plan:
        """Return the plan without the parts that are paid once."""
        return replace(self, parts=tuple(part.without_once() for part in self.parts if not part.once))

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
        costs = f" [{self.costs}]" if self.costs else ""
        yield f"{indent}{self.name}{': ' if self.does else ''}{self.does}{costs}"
        for part in self.parts:
            yield from part._lines(indent + "  ")

    @property
    def costs(self) -> str:
        """What it expects to spend itself, in words; "" where that is nothing, or not known."""
        spent = Spent(self.llm_calls or 0, self.embedding_calls or 0, self.tokens or 0)
        return f"{spent}{', once' if self.once else ''}" if spent else ""
