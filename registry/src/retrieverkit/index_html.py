"""An index as a notebook shows it: what it holds, not what is in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from retrieverkit_core.errors import shorten

if TYPE_CHECKING:
    from retrieverkit.index import Index

_FIELDS = 20


def index_as_html(index: Index) -> str:
    """Return a small table about the index; every text in it is escaped. No index is built and no mode imported."""
    settings, fields = index.settings, sorted(index.fields())
    named = ", ".join(shorten(name, 40) for name in fields[:_FIELDS]) + (", …" if len(fields) > _FIELDS else "")
    rows = {
        "folder": str(index.path),
        "documents": f"{len(index.document_ids()):,}",
        "nodes": f"{len(index):,}",
        "language": settings.language,
        "searched with the text": ", ".join(settings.searched) or "nothing",
        "cut by": settings.splitter or "the default splitter",
        "metadata fields": named or "none",
        "indexes": ", ".join(f"{each.name} ({_state(each.behind)})" for each in index.derived()) or "none yet",
    }
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left;overflow-wrap:anywhere'>{escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<div><p><b>Index</b></p><table><tbody>{cells}</tbody></table></div>"


def _state(behind: int | None) -> str:
    if behind is None:
        return "built again at its next use"
    return "current" if not behind else f"{behind:,} change{'' if behind == 1 else 's'} behind"
