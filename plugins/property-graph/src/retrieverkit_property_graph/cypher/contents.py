"""What of a graph may be asked for in Cypher: its rows, and the schema that a model is shown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrieverkit_property_graph.cypher.rows import EntityRow, GraphRows, RelationRow
from retrieverkit_property_graph.names import key_of

if TYPE_CHECKING:
    from retrieverkit_property_graph.graph.view import GraphView

_SHOWN_LABELS, _SHOWN_RELATIONS, _SHOWN_PROPERTIES = 40, 60, 40
_LONGEST = 60
"""What is longer than so many characters is not shown to a model."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a view shows, numbered by names, so that no number depends on how the graph came about.

    Attributes:
        rows: The rows for a database.
        entities: The ids in the view, by the numbers in the rows.
        relations: The ids in the view, by the numbers in the rows.
        nodes: The ordinals in the corpus, by the numbers in the rows. Ordinals tell how many other nodes there are.
        schema: The labels, relation names and names of properties, as JSON; the most frequent ones.
    """

    rows: GraphRows
    entities: tuple[int, ...]
    relations: tuple[int, ...]
    nodes: tuple[int, ...]
    schema: str

    @classmethod
    def of(cls, view: GraphView) -> Contents:
        """Return what a view shows."""
        arrays = view.arrays()
        entities = sorted(view.entities(arrays.entities.tolist()), key=lambda fact: fact.key)
        numbers = {fact.id: number for number, fact in enumerate(entities)}
        relations = sorted(
            view.relations(arrays.relations.ids.tolist()),
            key=lambda fact: (numbers[fact.subject], key_of(fact.label), numbers[fact.object]),
        )
        named = arrays.entities[arrays.mentions.entities].tolist()
        naming = arrays.mentions.passages.tolist()
        rows = GraphRows(
            [EntityRow(n, f.name, f.key, f.labels, _properties(f.properties)) for n, f in enumerate(entities)],
            range(len(arrays.passages)),
            [
                RelationRow(numbers[f.subject], numbers[f.object], n, f.label, _properties(f.properties))
                for n, f in enumerate(relations)
            ],
            sorted((node, numbers[entity]) for entity, node in zip(named, naming, strict=True)),
        )
        given = [*(fact.properties for fact in entities), *(fact.properties for fact in relations)]
        schema = {
            "labels": _frequent((label for fact in entities for label in fact.labels), _SHOWN_LABELS),
            "relations": _frequent((fact.label for fact in relations), _SHOWN_RELATIONS),
            "properties": _frequent((name for properties in given for name in properties), _SHOWN_PROPERTIES),
        }
        return cls(
            rows,
            tuple(fact.id for fact in entities),
            tuple(fact.id for fact in relations),
            tuple(arrays.passages.tolist()),
            json.dumps(schema, ensure_ascii=False),
        )

    def without_rows(self) -> Contents:
        """Return the same without its rows, which a database has by now."""
        return replace(self, rows=GraphRows((), (), (), ()))


def _properties(properties: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={_shown(properties[name])}" for name in sorted(properties))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _frequent(values: Iterable[str], most: int) -> list[str]:
    counts = Counter(value for value in values if len(value) <= _LONGEST)
    return [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]]
