"""Entities from metadata fields, such as an author."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retrieverkit_core.corpus import StoredNode
from retrieverkit_core.errors import shorten
from retrieverkit_indexing.analysis import TITLE
from retrieverkit_property_graph.extraction import document_of
from retrieverkit_property_graph.graph.tables import is_storable
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.triples import Entity, Extracted, Triple


class EntityFields:
    """Makes an entity of each value of some metadata fields, with the field's name as its label.

    A node with a title states that the title has the value, with the field's name as relation: ``On ducks, author,
    Ann Lee``. Without a title, the node names the entity alone. The elements of a list are values; numbers are names.

    Args:
        fields: The names of the fields.
    """

    uses: tuple[object, ...] = ()

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = tuple(fields)

    @property
    def fingerprint(self) -> str:
        """Names the fields."""
        return f"fields 1 {list(self._fields)!r}"

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return the entities that the metadata of each node names."""
        return [self._of_node(stored) for stored in nodes]

    def _of_node(self, stored: StoredNode) -> Extracted:
        metadata = stored.node.metadata
        title = _name(metadata.get(TITLE))
        entities: list[Entity] = []
        triples: list[Triple] = []
        unread = []
        for field in self._fields:
            for value in _values(metadata.get(field)):
                name = _name(value)
                if name is None:
                    unread += [field] if not (value is None or value == "") else []
                elif title is None or field == TITLE:
                    entities.append(Entity(name, (field,)))
                else:
                    triples.append(Triple(Entity(title), field, Entity(name, (field,))))
        return Extracted(tuple(entities), tuple(triples), _problem(stored, unread))


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _name(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and key_of(value) and is_storable(value) else None


def _problem(stored: StoredNode, unread: list[str]) -> str | None:
    if not unread:
        return None
    fields = ", ".join(shorten(repr(field)) for field in dict.fromkeys(unread))
    return f"document {shorten(repr(document_of(stored)))}: {fields} holds what is not a name"
