"""How nodes write one entity, or one relation, and what is made of it where they differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from retrieverkit_property_graph.graph.tables import Integers

Way = tuple[str, str, str]
"""A way to write it: the name, the properties and the labels, the last two as JSON."""


class Wording:
    """How nodes write one entity or one relation. What most of them say holds; of equals, what is smallest.

    Args:
        rows: The ordinal of a node and the id of a way in which it writes it, ascending.
        ways: Ways by their ids.
    """

    def __init__(self, rows: Integers, ways: Mapping[int, Way]) -> None:
        self._rows = rows
        self._ways = ways
        self._used = list(dict.fromkeys(rows[:, 1].tolist()))

    @property
    def ordinals(self) -> Integers:
        """The nodes, ascending."""
        ordinals: Integers = self._rows[:, 0]
        return ordinals if len(ordinals) == 1 else np.unique(ordinals)

    def name(self) -> str:
        """Return the spelling that most nodes have."""
        names = {way: self._ways[way][0] for way in self._used}
        if len(set(names.values())) == 1:
            return next(iter(names.values()))
        return _most((ordinal, names[way]) for ordinal, way in self._rows.tolist())

    def labels(self) -> tuple[str, ...]:
        """Return all labels that any node gives, sorted."""
        return tuple(sorted({label for way in self._used for label in json.loads(self._ways[way][2])}))

    def properties(self) -> dict[str, Any]:
        """Return each property with the value that most nodes give it."""
        given = {way: json.loads(self._ways[way][1]) for way in self._used}
        if len(given) == 1:
            return dict(sorted(next(iter(given.values())).items()))
        values = {
            way: {key: json.dumps(value, sort_keys=True) for key, value in of.items()} for way, of in given.items()
        }
        rows = self._rows.tolist()
        keys = sorted({key for of in values.values() for key in of})
        return {
            key: json.loads(_most((ordinal, values[way][key]) for ordinal, way in rows if key in values[way]))
            for key in keys
        }


def _most(said: Iterable[tuple[int, str]]) -> str:
    """Return what most nodes say, of equals the smallest. A node counts once for each thing that it says."""
    counted = Counter(what for _, what in set(said))
    return min(counted, key=lambda what: (-counted[what], what))
