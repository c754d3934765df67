"""Pictures as HTML: boxes within lists, which any width can show."""

from __future__ import annotations

from html import escape

from retrieverkit_core.picture._boxes import Box

_LIST = "list-style:none;margin:0;padding:0 0 0 1.1em;border-left:1px solid #8888"
_BOX = (
    "display:inline-block;max-width:100%;box-sizing:border-box;margin:.25em 0;padding:.35em .7em;border-radius:.4em;"
    "overflow-wrap:anywhere;text-align:left;font:13px/1.4 ui-monospace,monospace;"
)


def as_html(root: Box) -> str:
    """Return the boxes as a nested list; every text in it is escaped."""
    return f"<div style='max-width:100%'>{_html(root)}</div>"


def _html(box: Box) -> str:
    border = "2px solid #c62828" if box.trouble else "1px dashed #888" if box.idle else "1px solid #888"
    lines = "".join(f"<br>{escape(line)}" for line in box.lines)
    did = "".join(f"<br><i>{escape(line)}</i>" for line in box.did)
    own = f"<div style='{_BOX}border:{border}'><b>{escape(box.name)}</b>{lines}{did}</div>"
    inner = "".join(f"<li style='margin:0'>{_html(each)}</li>" for each in box.boxes)
    return own + (f"<ul style='{_LIST}'>{inner}</ul>" if inner else "")
