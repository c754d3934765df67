"""Statistics of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from retrieverkit_property_graph.cli.tools import Screen
    from retrieverkit_property_graph.graph.view import GraphView

_TOP = 10


def count(view: GraphView) -> dict[str, Any]:
    """Return what there is in the graph, as inert JSON."""
    arrays = view.arrays()
    counts = view.count()
    degrees = np.bincount(arrays.relations.subjects, minlength=len(arrays.entities))
    degrees += np.bincount(arrays.relations.objects, minlength=len(arrays.entities))
    named = np.bincount(arrays.mentions.entities, minlength=len(arrays.entities))
    least = np.sort(degrees)[-_TOP:].min(initial=degrees.max(initial=0))
    top = np.flatnonzero((degrees > 0) & (degrees >= least))  # all that are equal: ids say what came first
    names = view.names(arrays.entities[top].tolist())
    rows = [(names[int(arrays.entities[at])], int(degrees[at]), int(named[at])) for at in top]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return {
        "entities": counts.entities,
        "relations": counts.relations,
        "nodes": counts.passages,
        "nodes_that_name_entities": len(np.unique(arrays.mentions.passages)),
        "mentions": counts.mentions,
        "most_related": [{"name": name, "relations": of, "nodes": nodes} for name, of, nodes in rows[:_TOP]],
        "problems": [text for _, text in view.problems()],
    }


def write_counts(counted: dict[str, Any], screen: Screen) -> None:
    """Write the statistics."""
    screen.say(f"{counted['entities']:,} entities, {counted['relations']:,} relations")
    screen.say(f"{counted['nodes_that_name_entities']:,} of {counted['nodes']:,} nodes name entities")
    if counted["most_related"]:
        rows = [[row["name"], f"{row['relations']:,}", f"{row['nodes']:,}"] for row in counted["most_related"]]
        screen.table(["entity", "relations", "nodes"], rows)
