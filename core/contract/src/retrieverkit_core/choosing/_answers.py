"""What the model answered: labels that were shown, with grades; everything else chooses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from retrieverkit_core.choosing._choices import Chosen
from retrieverkit_core.choosing._prompting import GRADES, Batch
from retrieverkit_core.errors import ServiceError, shorten
from retrieverkit_core.services import Reply

Parse = Callable[[str], Iterable[tuple[str, float]]]
"""Reads an answer in words: returns ``(label, grade)`` pairs, grades from 1 to 10, or raises what it cannot read."""


class Answer(NamedTuple):
    """What one batch's answer chooses.

    Attributes:
        chosen: The texts.
        suspect: Whether the made-up text is among them.
    """

    chosen: list[Chosen]
    suspect: bool


def answer_of(batch: Batch, reply: Reply, parse: Parse | None) -> Answer:
    """Return what an answer chooses: of a label that comes again the first grade counts.

    Raises:
        ServiceError: The answer cannot be read.
    """
    pairs = _pairs(batch, reply) if parse is None else _parsed(reply, parse)
    grades: dict[str, float] = {}
    for label, grade in pairs:
        if isinstance(label, str) and _is_grade(grade):
            grades.setdefault(label, float(grade))
    chosen = [Chosen(batch.labels[label], grade) for label, grade in grades.items() if label in batch.labels]
    return Answer(chosen, batch.canary in grades)


def _pairs(batch: Batch, reply: Reply) -> list[tuple[Any, Any]]:
    schema, answer = batch.prompt.schema, reply.parsed
    if schema is None or not isinstance(answer, schema):
        raise ServiceError("the model did not answer with labels and grades", fix="use a model that keeps to a schema")
    return [(item.label, item.relevance) for item in getattr(answer, "chosen", ())]


def _parsed(reply: Reply, parse: Parse) -> list[tuple[Any, Any]]:
    try:
        return [(label, grade) for label, grade in parse(reply.text)]
    except Exception as error:
        raise ServiceError(
            f"the parser cannot read the model's answer {shorten(repr(reply.text))}: {type(error).__name__}: {error}"
        ) from error


def _is_grade(grade: object) -> bool:
    return isinstance(grade, (int, float)) and not isinstance(grade, bool) and GRADES[0] <= grade <= GRADES[-1]
