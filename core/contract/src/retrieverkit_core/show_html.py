"""Results as HTML for notebooks. Every text in it is escaped."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from retrieverkit_core.show import evidence_text, passage, score_text, summary

if TYPE_CHECKING:
    from retrieverkit_core.hits import NodeWithScore
    from retrieverkit_core.result import RetrievalResult

_CELL = "text-align:left;vertical-align:top"
_BREAKING = f"{_CELL};overflow-wrap:anywhere"
_LETTERS = 3
_WORDS = 50


def result_as_html(result: RetrievalResult) -> str:
    """Return the result as a table, with its warnings and notes; words of the query are marked where they stand."""
    told = [("warning", warning) for warning in result.warnings] + [("note", note) for note in result.notes]
    lines = "".join(f"<p><b>{kind}:</b> {escape(text)}</p>" for kind, text in told)
    return f"<div><p><b>RetrievalResult</b> {escape(summary(result))}</p>{lines}{_table(result)}</div>"


def _table(result: RetrievalResult) -> str:
    if not len(result):
        return ""
    query = result.query.query_str if result.query is not None else ""
    names = ("rank", "score", "where", "evidence", "text")
    head = "".join(f"<th style='{_CELL}'>{name}</th>" for name in names)
    rows = "".join(_row(hit, rank, query) for rank, hit in enumerate(result, 1))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(hit: NodeWithScore, rank: int, query: str) -> str:
    return (
        f"<tr><td style='{_CELL}'>{rank}</td><td style='{_CELL}'>{score_text(hit)}</td>"
        f"<td style='{_BREAKING}' title='{escape(hit.node.id)}'>{escape(_place(hit))}</td>"
        f"<td style='{_CELL}'>{escape(evidence_text(hit))}</td>"
        f"<td style='{_BREAKING}'>{_marked(passage(hit), query)}</td></tr>"
    )


def _place(hit: NodeWithScore) -> str:
    """Return the file that the hit is from, with its page, row or cell, or the node's id."""
    metadata = hit.node.metadata
    path = metadata.get("path")
    if not isinstance(path, str) or not path:
        return hit.node.id
    parts = [f"{name} {metadata[name]}" for name in ("page", "row", "cell") if isinstance(metadata.get(name), int)]
    return ", ".join([path, *parts])


def _marked(text: str, query: str) -> str:
    """Return ``text`` escaped, with each word of the query that stands in it marked."""
    words = {word.casefold() for word in re.findall(r"\w+", query)[:_WORDS] if len(word) >= _LETTERS}
    pieces = re.split(r"(\w+)", text)
    return "".join(f"<mark>{escape(each)}</mark>" if each.casefold() in words else escape(each) for each in pieces)
