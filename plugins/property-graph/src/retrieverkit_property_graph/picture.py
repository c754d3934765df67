"""`draw`: the paths of a hit as a picture."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import ConfigError
from retrieverkit_property_graph.names import key_of

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore

    Drawable = NodeWithScore | Iterable[NodeWithScore] | Sequence[Sequence[Mapping[str, Any]]]

SHOWN_CHARS = 36
"""Of a longer name the beginning is shown; the whole of it where the pointer rests."""

_CHAR, _LINE, _GAP, _MARGIN = 7.2, 30, 14, 8
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation to draw: places of two entities, and a label."""

    subject: int
    label: str
    object: int


class Picture:
    """Relations between entities. Jupyter shows it as a drawing; `mermaid` and `svg` return it as text.

    Args:
        paths: Paths as they stand in evidence; their common steps are drawn once.
        entities: Names of entities to draw first, with or without relations.

    Attributes:
        names: The names of the entities, those that a path starts from first.
        edges: The relations.
    """

    def __init__(self, paths: Iterable[Sequence[Mapping[str, Any]]], entities: Iterable[str] = ()) -> None:
        self._places: dict[str, int] = {}
        self.names: list[str] = []
        for name in entities:
            self._place(name)
        steps = [step for path in paths for step in path]
        edges = [Edge(self._place(s["subject"]), s["relation"], self._place(s["object"])) for s in steps]
        self.edges = list(dict.fromkeys(edges))

    def _place(self, name: str) -> int:
        key = key_of(name) or name
        if key not in self._places:
            self._places[key] = len(self.names)
            self.names.append(name)
        return self._places[key]

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""
        lines = ["graph LR"]
        lines += [f'    e{at}["{_in_mermaid(name)}"]' for at, name in enumerate(self.names)]
        lines += [f'    e{edge.subject} -->|"{_in_mermaid(edge.label)}"| e{edge.object}' for edge in self.edges]
        return "\n".join(lines) + "\n"

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        columns = self._columns()
        label_width = max((_width(edge.label) for edge in self.edges), default=0.0) + 4 * _GAP
        lefts, left = [], float(_MARGIN)
        for column in columns:
            lefts.append(left)
            left += max(_width(self.names[at]) for at in column) + 2 * _GAP + label_width
        boxes = {
            at: _Box(lefts[number], _MARGIN + row * (_LINE + _GAP), _width(self.names[at]) + 2 * _GAP, number)
            for number, column in enumerate(columns)
            for row, at in enumerate(column)
        }
        width = max((box.left + box.width for box in boxes.values()), default=0.0) + _MARGIN
        width += label_width if any(boxes[e.subject].column == boxes[e.object].column for e in self.edges) else 0
        height = max((box.top + _LINE for box in boxes.values()), default=0.0) + _MARGIN
        drawn = [_line(boxes[edge.subject], boxes[edge.object]) for edge in self.edges]
        drawn += [_box(box, self.names[at]) for at, box in boxes.items()]
        drawn += self._labels(boxes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(drawn)}</svg>'
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<Picture of {len(self.names)} entities and {len(self.edges)} relations>"

    def _columns(self) -> list[list[int]]:
        """Return the entities by how many relations they are away from the first one that is not placed yet."""
        around: dict[int, list[int]] = {at: [] for at in range(len(self.names))}
        for edge in self.edges:
            around[edge.subject].append(edge.object)
            around[edge.object].append(edge.subject)
        columns: list[list[int]] = []
        placed: set[int] = set()
        for start in around:
            wave = [start] if start not in placed else []
            for number in range(len(around)):
                if not wave:
                    break
                placed.update(wave)
                if number == len(columns):
                    columns.append([])
                columns[number] += wave
                wave = list(dict.fromkeys(end for at in wave for end in around[at] if end not in placed))
        return columns

    def _labels(self, boxes: Mapping[int, _Box]) -> list[str]:
        """Return the labels of the relations; those between the same two entities are one text."""
        texts: dict[tuple[int, int], list[str]] = {}
        for edge in self.edges:
            texts.setdefault((edge.subject, edge.object), []).append(edge.label)
        drawn = []
        for (subject, object_), labels in texts.items():
            one, other = boxes[subject], boxes[object_]
            near, far = (one, other) if one.column <= other.column else (other, one)
            if near.column == far.column:
                at, down, anchor = (
                    near.left + max(near.width, far.width) + 2 * _GAP,
                    (near.middle + far.middle) / 2,
                    "start",
                )
            else:
                part = 0.6  # nearer to the entity that has fewer other lines
                at, anchor = near.right + part * (far.left - near.right), "middle"
                down = near.middle + part * (far.middle - near.middle)
            drawn.append(_text(at, down - 3, ", ".join(labels), anchor, "#555555"))
        return drawn


def draw(what: Drawable) -> Picture:
    """Return a picture of the paths by which a hit was found.

    Args:
        what: A hit, several hits or a whole result, or paths as they stand in evidence.

    Raises:
        ConfigError: It is nothing of these.
    """
    return Picture(_paths_of(what))


def _paths_of(what: Any) -> list[Sequence[Mapping[str, Any]]]:
    if hasattr(what, "evidence"):
        return [path for evidence in what.evidence for path in evidence.details.get("paths", ())]
    if isinstance(what, str | bytes | Mapping) or not isinstance(what, Iterable):
        raise _refused(what)
    paths: list[Sequence[Mapping[str, Any]]] = []
    for each in what:
        if hasattr(each, "evidence"):
            paths += _paths_of(each)
        elif isinstance(each, list | tuple) and all(map(_is_step, each)):
            paths.append(each)
        else:
            raise _refused(each)
    return paths


def _is_step(step: Any) -> bool:
    parts = ("subject", "relation", "object")
    return isinstance(step, Mapping) and all(isinstance(step.get(part), str) for part in parts)


def _refused(what: object) -> ConfigError:
    return ConfigError(
        f"there is nothing to draw in {type(what).__name__}",
        fix="give a hit, a result, or hit.evidence[0].details['paths']",
    )


@dataclass(frozen=True, slots=True)
class _Box:
    """Where an entity stands."""

    left: float
    top: float
    width: float
    column: int

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top + _LINE / 2


def _line(start: _Box, end: _Box) -> str:
    """Return the line of a relation, with an arrow head at its object."""
    if start.column == end.column:
        from_, to = (start.right, start.middle), (end.right, end.middle)
        bow = max(start.right, end.right) + 2 * _GAP
        down = 0 if start is not end else _LINE / 3
        from_, to = (from_[0], from_[1] - down), (to[0], to[1] + down)
        shape = (
            f"M{from_[0]:.1f} {from_[1]:.1f} C{bow:.1f} {from_[1]:.1f} {bow:.1f} {to[1]:.1f} {to[0]:.1f} {to[1]:.1f}"
        )
        head = _head((to[0] + 10, to[1]), to)
    else:
        right = start.column < end.column
        from_ = (start.right if right else start.left, start.middle)
        to = (end.left if right else end.right, end.middle)
        shape = f"M{from_[0]:.1f} {from_[1]:.1f} L{to[0]:.1f} {to[1]:.1f}"
        head = _head(from_, to)
    return f'<path d="{shape}" fill="none" stroke="#999999"/>{head}'


def _head(from_: tuple[float, float], to: tuple[float, float]) -> str:
    across, down = to[0] - from_[0], to[1] - from_[1]
    length = (across * across + down * down) ** 0.5 or 1.0
    across, down = 8 * across / length, 8 * down / length
    back = (to[0] - across, to[1] - down)
    left, right = (back[0] - down / 2, back[1] + across / 2), (back[0] + down / 2, back[1] - across / 2)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (to, left, right))
    return f'<polygon points="{points}" fill="#999999"/>'


def _box(box: _Box, name: str) -> str:
    frame = (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{_LINE}" rx="6" '
        'fill="#eef3fb" stroke="#5b7fb8"/>'
    )
    text = _text(box.left + _GAP, box.middle + 4, name, "start", "#111111")
    return f"<g><title>{_escaped(name)}</title>{frame}{text}</g>"


def _text(at: float, down: float, text: str, anchor: str, colour: str) -> str:
    return (
        f'<text x="{at:.1f}" y="{down:.1f}" text-anchor="{anchor}" fill="{colour}" stroke="#ffffff" stroke-width="3" '
        f'paint-order="stroke">{_escaped(_short(text))}</text>'
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"


def _width(text: str) -> float:
    """Return about how wide a text is; characters of East Asia are twice as wide."""
    return sum(_CHAR if ord(character) < 0x1100 else 2 * _CHAR for character in _short(text))


def _escaped(text: str) -> str:
    """Return a text that XML can hold and that nothing in it can turn around or end."""
    return escape(_TURNING.sub("", _NO_XML.sub("\ufffd", text)))


def _in_mermaid(text: str) -> str:
    """Return a text inside of Mermaid's quotes: what could end them, or be HTML, is a character reference."""
    plain = _TURNING.sub("", _NO_XML.sub("\ufffd", " ".join(text.split())))
    return "".join(each if each.isalnum() or each in " .,-_'()/" else f"#{ord(each)};" for each in plain)
