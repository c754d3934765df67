"""What a model answers, and what becomes of it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from retrieverkit_core.errors import ModelAnswerError
from retrieverkit_core.services import Reply
from retrieverkit_property_graph.extract_schema import ExtractSchema
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.triples import Entity, Triple

MAX_NAME_CHARS = 500
"""A longer name is not one."""
MAX_LABEL_CHARS = 100
"""A longer label is not one."""

_WITHOUT_EXTRA = ConfigDict(extra="forbid")


class Named(NamedTuple):
    """What an answer names.

    Attributes:
        triples: The relations.
        blank: How many more it names whose subject, relation or object is blank or too long.
    """

    triples: tuple[Triple, ...]
    blank: int


@lru_cache(maxsize=64)
def answer_model(schema: ExtractSchema | None) -> type[BaseModel]:
    """Return the model of an answer. A strict schema has nothing else in it."""
    strict = schema is not None and schema.strict
    label: Any = Literal[schema.entities] if schema is not None and strict and schema.entities else str
    relation: Any = Literal[schema.relations] if schema is not None and strict and schema.relations else str
    one = create_model(
        "NamedRelation",
        __config__=_WITHOUT_EXTRA,
        subject=(str, ...),
        subject_label=(label, ...),
        relation=(relation, ...),
        object=(str, ...),
        object_label=(label, ...),
    )
    return create_model("NamedRelations", __config__=_WITHOUT_EXTRA, relations=(list[one], ...))


def checked(reply: Reply, model: type[BaseModel]) -> bytes:
    """Return a reply as JSON that is what was asked for.

    Raises:
        ModelAnswerError: It is not. It says nothing of the text that the model was shown.
    """
    if reply.parsed is not None:
        answer = json.dumps(reply.parsed.model_dump(warnings=False), ensure_ascii=False, default=str).encode(
            "utf-8", "replace"
        )
        if _is(answer, model):
            return answer
    raise ModelAnswerError("the language model gave no relations in the shape that was asked for")


def named(answer: bytes, model: type[BaseModel]) -> Named | None:
    """Return what an answer names, or None where it is not what is asked for."""
    try:
        relations = model.model_validate_json(answer).model_dump()["relations"]
    except ValidationError:
        return None
    triples = [
        Triple(
            _entity(each["subject"], each["subject_label"]),
            _clean(each["relation"]),
            _entity(each["object"], each["object_label"]),
        )
        for each in relations
    ]
    kept = dict.fromkeys(triple for triple in triples if _is_whole(triple))
    return Named(tuple(kept), sum(not _is_whole(triple) for triple in triples))


def _is(answer: bytes, model: type[BaseModel]) -> bool:
    try:
        model.model_validate_json(answer)
    except ValidationError:
        return False
    return True


def _entity(name: str, label: str) -> Entity:
    label = _clean(label)
    return Entity(_clean(name), (label,) if key_of(label) and len(label) <= MAX_LABEL_CHARS else ())


def _clean(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _is_whole(triple: Triple) -> bool:
    names = (triple.subject.name, triple.object.name, triple.relation)
    return all(len(name) <= MAX_NAME_CHARS and key_of(name) for name in names)
