"""The titles of a corpus's documents, as they stand at one place in its change log."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.utils import default_process

from retrieverkit_core import CorpusSnapshot, Cursor, Node


@dataclass(frozen=True, slots=True)
class Titles:
    """Documents and their titles, in the corpus's order.

    Attributes:
        cursor: The place in the corpus's change log that they show.
        texts: The title of each document, in lower case and with spaces for signs.
        nodes: The nodes of each document, in their order.
    """

    cursor: Cursor
    texts: list[str]
    nodes: list[list[Node]]


def read_titles(view: CorpusSnapshot) -> Titles:
    """Return the titles that a corpus has now; documents without any are left out."""
    documents: dict[str, list[Node]] = {}
    for stored in view.nodes():
        documents.setdefault(stored.node.ref_doc_id or stored.node.id, []).append(stored.node)
    titled = [(title, nodes) for nodes in documents.values() if (title := default_process(title_of(nodes[0])))]
    return Titles(view.cursor, [title for title, _ in titled], [nodes for _, nodes in titled])


def title_of(node: Node) -> str:
    """Return the title in a node's metadata, or else the first line of its text that is not blank."""
    title = node.metadata.get("title")
    if isinstance(title, str) and title.strip():
        return title
    return next((line for line in node.text.splitlines() if line.strip()), "")
