"""Triples that are given with a document, in its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.errors import shorten
from retrieverkit_property_graph.extraction import document_of, documents_of
from retrieverkit_property_graph.extraction.naming import Naming
from retrieverkit_property_graph.graph.tables import is_storable
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.triples import NOTHING, Entity, Extracted, Properties, Triple

TRIPLES = "triples"
"""The metadata field that holds them."""

_SHOWN_PROBLEMS = 3


class GivenTriples:
    """Reads the metadata field ``triples``: a list of ``[subject, relation, object]`` or of objects with these keys.

    A subject or object is a name, or ``{"name": ..., "labels": [...], "properties": {...}}``; a relation is its label,
    or ``{"name": ..., "properties": {...}}``. Names may be numbers.

    Of a document of several nodes, a triple is supported by those whose texts name its subject or its object; where
    none does, by the first. What cannot be read is a problem of the first node; the other triples count.
    """

    fingerprint = "given 1"
    uses: tuple[object, ...] = ()

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what the metadata of each node gives."""
        said: list[Extracted] = []
        for document in documents_of(nodes):
            for given, same in groupby(document, lambda stored: stored.node.metadata.get(TRIPLES)):
                said += _of_document(given, list(same))
        return said


def _of_document(given: Any, nodes: list[StoredNode]) -> list[Extracted]:
    """Return what each of the nodes of one document supports, all of which hold the same triples."""
    if given is None:
        return [NOTHING] * len(nodes)
    triples, problem = _read(given, document_of(nodes[0]))
    if len(nodes) == 1:
        return [Extracted(triples=tuple(triples), problem=problem)]
    naming = Naming([stored.node.text for stored in nodes])
    supported: list[list[Triple]] = [[] for _ in nodes]
    for triple in triples:
        both = naming.nodes_naming(key_of(triple.subject.name)) | naming.nodes_naming(key_of(triple.object.name))
        for at in both or {0}:
            supported[at].append(triple)
    problems = [problem, *[None] * (len(nodes) - 1)]
    return [Extracted(triples=tuple(own), problem=of) for own, of in zip(supported, problems, strict=True)]


def _read(given: Any, document: str) -> tuple[list[Triple], str | None]:
    """Return the triples that can be read, and what is wrong with the others."""
    if not isinstance(given, list | tuple):
        return [], f"document {shorten(repr(document))}: {TRIPLES} is {_a(given)}, not a list of triples"
    triples, problems = [], []
    for at, each in enumerate(given):
        try:
            triples.append(triple_of(each))
        except ValueError as error:
            problems.append(f"{TRIPLES}[{at}]: {error}")
    if not problems:
        return triples, None
    shown = "; ".join(problems[:_SHOWN_PROBLEMS])
    more = f"; and {len(problems) - _SHOWN_PROBLEMS:,} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return triples, f"document {shorten(repr(document))}: {shown}{more}"


def triple_of(given: Any) -> Triple:
    """Return a triple as metadata writes it.

    Raises:
        ValueError: It is not one.
    """
    if isinstance(given, list | tuple):
        if len(given) != 3:
            raise ValueError(f"has {len(given)} parts, not subject, relation and object")
        subject, relation, object_ = given
    elif isinstance(given, Mapping):
        _only(given, ("subject", "relation", "object"), "a triple")
        missing = [part for part in ("subject", "relation", "object") if part not in given]
        if missing:
            raise ValueError(f"has no {' and no '.join(missing)}")
        subject, relation, object_ = given["subject"], given["relation"], given["object"]
    else:
        raise ValueError(f"is {_a(given)}, not [subject, relation, object]")
    label, properties = _relation(relation)
    return Triple(entity_of(subject, "subject"), label, entity_of(object_, "object"), properties)


def entity_of(given: Any, part: str = "entity") -> Entity:
    """Return an entity as metadata writes it.

    Raises:
        ValueError: It is not one.
    """
    if isinstance(given, str) or not isinstance(given, Mapping):
        return Entity(_name(given, part))
    _only(given, ("name", "labels", "properties"), part)
    labels = given.get("labels") or ()
    if not isinstance(labels, list | tuple) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"{part}: labels is {_a(labels)}, not a list of texts")
    names = tuple(dict.fromkeys(_name(label, f"{part}: label") for label in labels))
    return Entity(_name(given.get("name"), part), names, _properties(given.get("properties"), part))


def _relation(given: Any) -> tuple[str, Properties]:
    if isinstance(given, str) or not isinstance(given, Mapping):
        return _name(given, "relation"), {}
    _only(given, ("name", "properties"), "relation")
    return _name(given.get("name"), "relation"), _properties(given.get("properties"), "relation")


def _name(given: object, part: str) -> str:
    if not isinstance(given, str):
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise ValueError(f"{part} is {_a(given)}, not a name")
        given = str(given)
    if not given.strip():
        raise ValueError(f"{part} is blank")
    if not is_storable(given):
        raise ValueError(f"{part} holds half a surrogate pair, so it is not text")
    return given


def _properties(given: Any, part: str) -> Properties:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise ValueError(f"{part}: properties is {_a(given)}, not an object")
    try:
        json.dumps(given, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{part}: properties is not JSON ({shorten(str(error))})") from error
    return given


def _only(given: Mapping[Any, Any], known: Iterable[str], part: str) -> None:
    unknown = [shorten(repr(key)) for key in given if key not in known]
    if unknown:
        raise ValueError(f"{part} has {unknown[0]}; it may have {', '.join(known)}")


def _a(given: Any) -> str:
    """Return what kind of value it is, in words of JSON."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int | float):
        return "a number"
    if isinstance(given, str):
        return "a text"
    return "an object" if isinstance(given, Mapping) else "a list"
