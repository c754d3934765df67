"""Pictures as Mermaid flowcharts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from retrieverkit_core.picture._boxes import Box

_PLAIN = frozenset(" _.,=()[]:'/+-…·")
_STYLES = {"trouble": "stroke:#c62828,stroke-width:2px", "idle": "stroke-dasharray:4"}


def as_mermaid(root: Box) -> str:
    """Return the boxes as a flowchart from top to bottom; no text in it is read as anything but text."""
    lines = ["flowchart TD"]
    _write(root, lines, count())
    return "\n".join(lines)


def _write(box: Box, lines: list[str], numbers: Iterator[int]) -> str:
    own = f"n{next(numbers)}"
    label = "<br/>".join([f"<b>{_escaped(box.name)}</b>", *map(_escaped, (*box.lines, *box.did))])
    lines.append(f'    {own}["{label}"]')
    for inner in box.boxes:
        lines.append(f"    {own} --> {_write(inner, lines, numbers)}")
    if style := _STYLES.get("trouble" if box.trouble else "idle" if box.idle else ""):
        lines.append(f"    style {own} {style}")
    return own


def _escaped(text: str) -> str:
    """Return a text with codes for whatever Mermaid or Markdown might read as more than text."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in text)
