"""An entity and what is around it, as a tree, a flowchart or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ConfigError, near_matches, shorten
from retrieverkit_property_graph.names import key_of
from retrieverkit_property_graph.paths import Step, as_json, walk
from retrieverkit_property_graph.picture import Picture

if TYPE_CHECKING:
    from retrieverkit_core.corpus import Corpus
    from retrieverkit_property_graph.cli.tools import Branch, Part, Screen
    from retrieverkit_property_graph.graph.view import EntityFacts, GraphView

_SHOWN_PROPERTIES = 5


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """An entity and the relations around it.

    Attributes:
        entity: The entity.
        paths: A path to each relation, as JSON.
        limited: Whether there may be more relations.
    """

    entity: EntityFacts
    paths: list[list[Step]]
    limited: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as inert JSON."""
        entity = self.entity
        told = {"name": entity.name, "labels": list(entity.labels), "properties": entity.properties}
        return {"entity": {**told, "nodes": len(entity.supports)}, "paths": self.paths, "limited": self.limited}


def neighbourhood(view: GraphView, corpus: Corpus, name: str, depth: int, limit: int) -> Neighbourhood:
    """Return what is around the entity of a name.

    Raises:
        ConfigError: There is none; the message names those with similar names.
    """
    found = view.find([name])
    if name not in found:
        raise _unknown(view, name)
    paths = walk(view, [found[name]], depth=depth, limit=limit + 1)
    return Neighbourhood(view.entity(found[name]), as_json(view, paths[:limit], corpus), len(paths) > limit)


def write_tree(seen: Neighbourhood, screen: Screen) -> None:
    """Write an entity and below it its relations, each with the nodes that support it."""
    entity = seen.entity
    count = len(entity.supports)
    label: list[Part] = [(entity.name, "bold"), _of_labels(entity), f"  {count} node{'' if count == 1 else 's'}"]
    shown = list(entity.properties.items())[:_SHOWN_PROPERTIES]
    label += [f", {key}: {shorten(value, 60)}" for key, value in shown]
    screen.tree(label, _branches(seen.paths, key_of(entity.name), 0))
    if seen.limited:
        screen.say("there are more: raise --limit")


def write_mermaid(seen: Neighbourhood, screen: Screen) -> None:
    """Write a Mermaid flowchart."""
    screen.write(Picture(seen.paths, entities=[seen.entity.name]).mermaid())


def _branches(paths: list[list[Step]], key: str, depth: int) -> list[Branch]:
    """Return the branches of the entity ``key``, which is ``depth`` relations away from the first one."""
    branches: list[Branch] = []
    for path in paths:
        if len(path) != depth + 1:
            continue
        step = path[-1]
        forward = key_of(step["subject"]) == key
        other = step["object"] if forward else step["subject"]
        nodes = ", ".join(step["nodes"])
        label: list[Part] = [
            (f"{step['relation']} → " if forward else f"← {step['relation']} ", "dim"),
            other,
            (f"  [{nodes}]", "dim"),
        ]
        below = [each for each in paths if len(each) > depth + 1 and each[: depth + 1] == path]
        branches.append((label, _branches(below, key_of(other), depth + 1)))
    return branches


def _of_labels(entity: EntityFacts) -> str:
    return f" ({', '.join(entity.labels)})" if entity.labels else ""


def _unknown(view: GraphView, name: str) -> ConfigError:
    names = {key_of(known): known for known in view.names(view.arrays().entities.tolist()).values()}
    key = key_of(name)
    near = [names[each] for each in near_matches(key, names)]
    near += sorted(known for each, known in names.items() if key and f" {key} " in f" {each} " and known not in near)[
        :3
    ]
    message = f"there is no entity {shorten(repr(name))} in the graph"
    if not names:
        return ConfigError(f"{message}, which is empty", fix="see 'retriever graph stats'")
    told = ", ".join(repr(shorten(each)) for each in near[:5])
    return ConfigError(message, fix=f"did you mean {told}?" if near else "see 'retriever graph stats'")
