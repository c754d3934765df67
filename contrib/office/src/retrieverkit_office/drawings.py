"""What shapes, charts and diagrams of Open XML say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from retrieverkit_office.text import cells

if TYPE_CHECKING:
    from lxml.etree import _Element

DRAWN = ("chart", "diagramData", "chartEx")
"""The kinds of relations to parts that are drawn and have labels."""

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def lines(element: _Element) -> Iterator[str]:
    """Yield the lines of a shape."""
    for paragraph in element.iter(f"{_A}p"):
        pieces = ("\n" if each.tag == f"{_A}br" else each.text or "" for each in paragraph.iter(f"{_A}t", f"{_A}br"))
        if line := "".join(pieces).strip():
            yield line


def labels(root: _Element) -> Iterator[str]:
    """Yield what a chart or a diagram is labelled with."""
    yield from lines(root)
    named = (value.text or "" for cache in root.iter(f"{_C}strCache") for value in cache.iter(f"{_C}v"))
    yield cells(dict.fromkeys(named))
