"""What ``retriever similar`` is given: a document or a node of an index, named by its id or by its file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from retrieverkit_core.errors import UsageError, shorten

if TYPE_CHECKING:
    from retrieverkit.corpus import SQLiteCorpus
    from retrieverkit.index import Index
    from retrieverkit_core.filters import MetadataFilters
    from retrieverkit_core.nodes import Node
    from retrieverkit_core.query import QueryBundle

_LINE = re.compile(r"(?P<path>.+):(?P<line>[1-9][0-9]{0,8})\Z", re.DOTALL)

MOST_NODES = 64
"""How many nodes of a document stand for it, evenly spread, where it has more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What others are compared with.

    Attributes:
        id: The id of a document or a node.
        is_document: Which of them.
        nodes: Its nodes in their order, or that node.
    """

    id: str
    is_document: bool
    nodes: Sequence[Node]

    @property
    def chosen(self) -> Sequence[Node]:
        """The nodes that stand for it."""
        count = len(self.nodes)
        if count <= MOST_NODES:
            return self.nodes
        return [self.nodes[at * (count - 1) // (MOST_NODES - 1)] for at in range(MOST_NODES)]

    def query(self, index: Index, asked: QueryBundle) -> QueryBundle:
        """Return ``asked`` for the texts of the subject, and for anything but the subject itself."""
        from retrieverkit_core.corpus import searched_text
        from retrieverkit_core.filters import DOC_ID, NODE_ID, MetadataFilter, MetadataFilters

        texts = [searched_text(node, index.settings) for node in self.chosen]
        others = MetadataFilters(filters=[MetadataFilter(DOC_ID if self.is_document else NODE_ID, self.id, "!=")])
        return asked.replace(
            query_str="\n\n".join(texts),
            custom_embedding_strs=texts,
            filters=MetadataFilters.and_(asked.filters, others),
        )


def subject_of(index: Index, named: str, scope: MetadataFilters | None) -> Subject:
    """Return the document or node that somebody names, as far as it is in scope.

    Args:
        index: The index.
        named: The id of a node or a document, or a path with or without the number of a line behind it.
        scope: What is outside of it is as if it were not there.

    Raises:
        UsageError: There is none, or the file holds several documents.
    """
    corpus = cast("SQLiteCorpus", index.corpus)
    (node,) = corpus.get([named])
    if index.document(named) is not None:
        return _document(corpus, named, scope, named)
    if node is not None:
        return _checked(Subject(named, False, [node]), scope, named)
    found = _LINE.fullmatch(named)
    for path, line in [(named, None), *([(found["path"], int(found["line"]))] if found else [])]:
        ids = [doc_id for doc_id in _of_file(corpus, path) if scope is None or _inside(_nodes(corpus, doc_id), scope)]
        if len(ids) > 1:
            some = ", ".join(shorten(doc_id, 60) for doc_id in ids[:3])
            raise UsageError(
                f"{shorten(path, 200)} holds {len(ids):,} documents", fix=f"name one of them by its id, such as {some}"
            )
        if ids:
            whole = _document(corpus, ids[0], scope, named)
            return whole if line is None else _at_line(index, whole, line, named)
    raise _not_there(named)


def _of_file(corpus: SQLiteCorpus, path: str) -> list[str]:
    if corpus.document(path) is not None:
        return [path]
    try:
        source = os.path.realpath(path).replace(os.sep, "/")
    except ValueError:  # a NUL in it
        return []
    return [doc_id for doc_id, of in corpus.sources_of(corpus.document_ids()).items() if of == source]


def _document(corpus: SQLiteCorpus, doc_id: str, scope: MetadataFilters | None, named: str) -> Subject:
    return _checked(Subject(doc_id, True, _nodes(corpus, doc_id)), scope, named)


def _nodes(corpus: SQLiteCorpus, doc_id: str) -> list[Node]:
    return [node for node in corpus.get(corpus.node_ids(doc_id)) if node is not None]


def _inside(nodes: Sequence[Node], scope: MetadataFilters | None) -> Sequence[Node]:
    from retrieverkit_core.filters import filterable

    return nodes if scope is None else [node for node in nodes if scope.matches(filterable(node))]


def _at_line(index: Index, whole: Subject, line: int, named: str) -> Subject:
    """Return the smallest node that the line is in, or else the one that is nearest before it."""
    document = index.document(whole.id)
    lines = [] if document is None else document.text.split("\n")
    if line > len(lines):
        raise UsageError(f"{shorten(named, 200)}: the document has {len(lines):,} lines", fix="name one of them")
    start = sum(len(text) + 1 for text in lines[: line - 1])
    placed = [
        (begin, end, node)
        for node in whole.nodes
        if (begin := node.start_char_idx) is not None and (end := node.end_char_idx) is not None
    ]
    holding = [(end - begin, at) for at, (begin, end, _) in enumerate(placed) if begin <= start + len(lines[line - 1])]
    inside = [(size, at) for size, at in holding if placed[at][1] > start]
    if inside:
        return _node(placed[min(inside)[1]][2])
    if holding:
        return _node(placed[max(holding, key=lambda each: placed[each[1]][0])[1]][2])
    if placed:
        return _node(placed[0][2])
    raise UsageError(f"{shorten(named, 200)}: the nodes of this document are at no line", fix="leave the line out")


def _node(node: Node) -> Subject:
    return Subject(node.id, False, [node])


def _checked(subject: Subject, scope: MetadataFilters | None, named: str) -> Subject:
    """Return the subject with its nodes in scope that hold a text.

    Raises:
        UsageError: There is none.
    """
    inside = _inside(subject.nodes, scope)
    if not inside:
        raise _not_there(named)
    return Subject(subject.id, subject.is_document, inside)


def _not_there(named: str) -> UsageError:
    return UsageError(
        f"the index holds neither a document nor a node nor a file {shorten(repr(named), 200)}",
        fix="`retriever ls` lists the documents; a path is looked for as it was indexed",
    )
