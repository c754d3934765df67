"""Pictures as SVG: one box beneath the other, each as far to the right as it is deep."""

from __future__ import annotations

from html import escape
from unicodedata import east_asian_width

from retrieverkit_core.picture._boxes import Box

_LINE, _PAD, _GAP, _INDENT, _CHAR, _MARGIN = 18, 8, 12, 32, 8.0, 8


def as_svg(root: Box) -> str:
    """Return the boxes as an image, as large as they need; every text in it is escaped."""
    parts: list[str] = []
    right, bottom = _draw(root, _MARGIN, _MARGIN, parts)
    width, height = round(right + _MARGIN), round(bottom + _MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="ui-monospace, monospace" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>'
        f"{''.join(parts)}</svg>"
    )


def _draw(box: Box, left: float, top: float, parts: list[str]) -> tuple[float, float]:
    """Draw a box and all beneath it; return how far to the right and down that goes."""
    texts = [(box.name, ' font-weight="bold"'), *((line, "") for line in box.lines)]
    texts += [(line, ' font-style="italic"') for line in box.did]
    width = max(_columns(text) for text, _ in texts) * _CHAR + 2 * _PAD
    height = len(texts) * _LINE + 2 * _PAD
    stroke = ' stroke="#c62828" stroke-width="2"' if box.trouble else ' stroke="#777777"'
    dashes = ' stroke-dasharray="4"' if box.idle else ""
    parts.append(
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="5" fill="#f7f7f7"{stroke}{dashes}/>'
    )
    for at, (text, style) in enumerate(texts):
        y = top + _PAD + at * _LINE + 13
        parts.append(f'<text x="{left + _PAD}" y="{y}" fill="#111111"{style}>{escape(text)}</text>')
    right, bottom = left + width, top + height
    for inner in box.boxes:
        middle = bottom + _GAP + _PAD + _LINE / 2
        line = f"M {left + _INDENT / 2} {top + height} V {middle} H {left + _INDENT}"
        parts.append(f'<path d="{line}" fill="none" stroke="#777777"/>')
        reached, bottom = _draw(inner, left + _INDENT, bottom + _GAP, parts)
        right = max(right, reached)
    return right, bottom


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
